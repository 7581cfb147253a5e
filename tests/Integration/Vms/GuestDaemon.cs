using System.Text;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Linux.Cgroups;
using Lamina.Testing.Media;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Vms;

/// <summary>A whole daemon with the small Linux uploaded, and what tests of real guests ask of it.</summary>
public sealed class GuestDaemon : IAsyncLifetime
{
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromMinutes(10));

    internal TestDaemon Daemon { get; private set; } = null!;

    public LaminaClient Client => Daemon.Client;

    public CancellationToken Deadline => _deadline.Token;

    public async ValueTask InitializeAsync()
    {
        Daemon = await TestDaemon.StartAsync();
        await UploadSmallLinuxAsync(Client, Deadline);
        await Client.HostIsReadyAsync(Deadline);
    }

    public async ValueTask DisposeAsync()
    {
        await Daemon.DisposeAsync();
        _deadline.Dispose();
    }

    /// <summary>Boots the small Linux from its kernel; it runs the script once it is up.</summary>
    public static VmCreate SmallLinuxVm(string name, string? script = null) => new()
    {
        Name = name,
        MemoryMiB = 192,
        Disks = [new VmDiskCreate { SizeBytes = 1 << 30 }],
        Kernel = new VmKernel
        {
            Kernel = "small-kernel",
            Initrd = "small-initrd",
            CommandLine = script is null ? SmallLinux.CommandLine : $"{SmallLinux.CommandLine} {SmallLinux.Run(script)}",
        },
        Start = true,
    };

    public static async Task UploadSmallLinuxAsync(LaminaClient client, CancellationToken cancellationToken, string? pool = null)
    {
        var media = await SmallLinux.GetAsync(cancellationToken);
        await UploadAsync(client, "small-kernel", media.Kernel, IsoKind.Kernel, pool, cancellationToken);
        await UploadAsync(client, "small-initrd", media.Initrd, IsoKind.Initrd, pool, cancellationToken);
    }

    public async Task<Vm> LaunchAsync(VmCreate create)
    {
        var ended = await EndOfAsync(await Client.Vms.CreateAsync(create, Deadline));
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        return await VmAsync(create.Name);
    }

    public async Task<Vm> VmAsync(string name) => (await Client.Vms.GetAsync(name, Deadline)).Value;

    public Task<Operation> EndOfAsync(Operation operation) => Client.Operations.WaitAsync(operation.Id, null, Deadline);

    public async Task SucceedsAsync(Task<Operation> asking)
    {
        var ended = await EndOfAsync(await asking);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, $"{ended.Request.Kind}: {ended.State.Failure?.Message}");
    }

    /// <summary>Follows the VM until it is as wanted.</summary>
    public async Task<Vm> UntilAsync(string name, Func<Vm, bool> wanted)
    {
        Vm? last = null;
        await UntilAsync(async () => wanted(last = await VmAsync(name)));
        return last!;
    }

    /// <summary>Waits for words on the VM's serial line.</summary>
    public async Task<string> SaysAsync(Vm vm, string text)
    {
        string said = "";
        await UntilAsync(async () => (said = await SerialAsync(vm)).Contains(text, StringComparison.Ordinal));
        return said;
    }

    public async Task<string> SerialAsync(Vm vm)
    {
        using var history = new MemoryStream();
        await Client.Vms.CopySerialHistoryAsync(vm.Id, history, Deadline);
        return Encoding.UTF8.GetString(history.ToArray());
    }

    /// <summary>QEMU's process.</summary>
    internal int ProcessOf(Vm vm) => CgroupManager.Detect(Daemon.Instance.CgroupName).ReadMembers(vm.Id).Single();

    private static async Task UploadAsync(LaminaClient client, string name, string file, IsoKind kind, string? pool, CancellationToken cancellationToken)
    {
        await using var content = File.OpenRead(file);
        var upload = await client.Uploads.SendAsync(content, new UploadCreate { SizeBytes = content.Length, Pool = pool }, null, cancellationToken);
        var operation = await client.Isos.CreateAsync(new IsoCreate { Name = name, Kind = kind, Upload = upload.Id, Pool = pool }, cancellationToken);
        var ended = await client.Operations.WaitAsync(operation.Id, null, cancellationToken);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
    }

    /// <summary>The API tells by its event stream too, but asking again is what a simple client does.</summary>
    private async Task UntilAsync(Func<Task<bool>> isSo)
    {
        while (!await isSo()) await Task.Delay(TimeSpan.FromMilliseconds(50), Deadline);
    }
}
