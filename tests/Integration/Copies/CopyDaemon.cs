using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Server.Pools;
using Lamina.Testing;
using Lamina.Testing.Engine;
using Lamina.Testing.Server;
using Lamina.Testing.Storage;

namespace Lamina.Tests.Integration.Copies;

/// <summary>A whole daemon over an engine that needs no guest, with an image of random content: disks are real files, written by qemu-io.</summary>
public sealed class CopyDaemon : IAsyncLifetime
{
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromMinutes(5));
    private readonly TemporaryFolder _folder = new();

    internal TestDaemon Daemon { get; private set; } = null!;

    internal FakeEngine Engine { get; } = new();

    public LaminaClient Client => Daemon.Client;

    public CancellationToken Deadline => _deadline.Token;

    internal PoolPaths Pool => new(Daemon.Instance.DefaultPoolDirectory);

    /// <summary>The image's content, raw: 16 MiB.</summary>
    public string ImageRaw => File("image.raw");

    public string File(string name) => _folder.File(name);

    public async ValueTask InitializeAsync()
    {
        Daemon = await TestDaemon.StartAsync(change: options => options with { Engine = Engine });
        DiskFiles.WriteRaw(ImageRaw, 16);
        await DiskFiles.QemuImgAsync("convert", "-f", "raw", "-O", "qcow2", ImageRaw, File("image.qcow2"));
        await using var content = System.IO.File.OpenRead(File("image.qcow2"));
        var upload = await Client.Uploads.SendAsync(content, new UploadCreate { SizeBytes = content.Length }, null, Deadline);
        await SucceedsAsync(Client.Images.CreateAsync(new ImageCreate { Name = "base", Upload = upload.Id, CloudInit = false }, Deadline));
        await Client.HostIsReadyAsync(Deadline);
    }

    public async ValueTask DisposeAsync()
    {
        await Daemon.DisposeAsync();
        _folder.Dispose();
        _deadline.Dispose();
    }

    public async Task<Operation> EndOfAsync(Task<Operation> asking) => await Client.Operations.WaitAsync((await asking).Id, null, Deadline);

    public async Task<Operation> SucceedsAsync(Task<Operation> asking)
    {
        var ended = await EndOfAsync(asking);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, $"{ended.Request.Kind}: {ended.State.Failure?.Message}");
        return ended;
    }

    public async Task<Failure> FailsAsync(Task<Operation> asking)
    {
        var ended = await EndOfAsync(asking);
        Assert.Equal(OperationPhase.Failed, ended.State!.Phase);
        return ended.State.Failure!;
    }

    public static async Task<Problem> RefusedAsync<T>(Task<T> asking) => (await Assert.ThrowsAsync<LaminaException>(() => asking)).Problem;

    /// <summary>A stopped VM with a disk made from the image and an empty one, of which the guest "has written" some.</summary>
    public async Task<Vm> MakeVmAsync(string name, VmFirmware firmware = VmFirmware.Bios)
    {
        await SucceedsAsync(Client.Vms.CreateAsync(new VmCreate { Name = name, Image = "base", Disks = [new VmDiskCreate(), new VmDiskCreate { SizeBytes = 8 << 20 }], Firmware = firmware }, Deadline));
        var vm = await VmAsync(name);
        await WriteAsync(PathOf(vm, 0), "0x11", "1M", "64k");
        await WriteAsync(PathOf(vm, 1), "0x22", "2M", "1M");
        return vm;
    }

    public async Task<Vm> VmAsync(string name) => (await Client.Vms.GetAsync(name, Deadline)).Value;

    public async Task<Disk> DiskAsync(string name) => (await Client.Disks.GetAsync(name, Deadline)).Value;

    public string PathOf(Vm vm, int slot) => Pool.Disk(vm.Spec.Disks.Single(disk => disk.Slot == slot).Disk, DiskFormat.Qcow2);

    /// <summary>What a guest would write.</summary>
    public static Task WriteAsync(string qcow2, string pattern, string offset, string count) =>
        RunAsync("qemu-io", "-f", "qcow2", "-c", $"write -P {pattern} {offset} {count}", qcow2);

    /// <summary>What a guest would see, as a raw file.</summary>
    public async Task<string> ContentAsync(string qcow2, string name)
    {
        await DiskFiles.QemuImgAsync("convert", "-U", "-f", "qcow2", "-O", "raw", qcow2, File(name));
        return File(name);
    }

    public static async Task RunAsync(string program, params string[] arguments)
    {
        var result = await Lamina.Linux.Processes.Command.RunAsync(new() { Program = program, Arguments = arguments, Timeout = TimeSpan.FromMinutes(1) }, CancellationToken.None);
        result.EnsureSuccess();
    }

    /// <summary>Nothing of an operation is left in a pool.</summary>
    internal static void AssertTidy(PoolPaths pool) =>
        Assert.DoesNotContain(Directory.GetFileSystemEntries(pool.Root).Select(Path.GetFileName), name => name!.StartsWith(PoolPaths.TemporaryPrefix, StringComparison.Ordinal));
}
