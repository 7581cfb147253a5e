using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Processes;
using Lamina.Testing;
using Lamina.Testing.Server;
using Lamina.Testing.Store;
using Lamina.Tests.Integration.Vms;

namespace Lamina.Tests.Integration.Migration;

/// <summary>Two whole daemons, instances of their own on this machine, over one store and one pool, with real QEMU.</summary>
public sealed class HostsOnOneStore : IAsyncLifetime
{
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromMinutes(12));
    private const string SharedPool = "shared";

    /// <summary>VMs that bear it begin on the first host: one that is moved while its kernel boots may hang under software translation.</summary>
    private const string FirstPreferred = "first-preferred";

    private readonly TestStore _store = TestStore.Create();
    private readonly TemporaryFolder _pool = new();

    internal TestDaemon First { get; private set; } = null!;

    internal TestDaemon Second { get; private set; } = null!;

    public CancellationToken Deadline => _deadline.Token;

    public async ValueTask InitializeAsync()
    {
        First = await TestDaemon.StartAsync(change: options => options with { Store = _store.Store, HostName = "one" });
        await First.Client.HostIsReadyAsync(Deadline);
        var made = await First.Client.Pools.CreateAsync(new PoolCreate { Name = SharedPool, Path = _pool.File("shared"), Shared = true }, Deadline);
        var pool = await First.Client.Operations.WaitAsync(made.Id, null, Deadline);
        Assert.True(pool.State!.Phase == OperationPhase.Succeeded, pool.State.Failure?.Message);
        await GuestDaemon.UploadSmallLinuxAsync(First.Client, Deadline, SharedPool);
        Second = await TestDaemon.StartAsync(change: options =>
        {
            // Members have the key of the store's secrets in common.
            string secrets = Path.Combine(options.Instance.DataDirectory!, "secrets");
            Directory.CreateDirectory(secrets);
            File.Copy(Path.Combine(First.Instance.SecretsDirectory, "box.key"), Path.Combine(secrets, "box.key"));
            File.SetUnixFileMode(Path.Combine(secrets, "box.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return options with { Store = _store.Store, HostName = "two" };
        });
        await First.Client.Placement.CreateRuleAsync(
            new PlacementRuleCreate { Name = FirstPreferred, Kind = PlacementRuleKind.OnHosts, Tags = [FirstPreferred], Hosts = [First.Daemon.HostId], Preferred = true }, Deadline);
        await UntilAsync(async () => await Second.Client.Hosts.ListAsync(Deadline).AllAsync(host => host.Status?.QemuVersion is not null, Deadline));
        await UntilAsync(async () => (await First.Client.Pools.GetAsync(SharedPool, Deadline)).Value.Hosts.Count(host => host.Status.Available) == 2);
    }

    public async ValueTask DisposeAsync()
    {
        if (Second is not null) await Second.DisposeAsync();
        await First.DisposeAsync();
        await _store.DisposeAsync();
        _pool.Dispose();
        _deadline.Dispose();
    }

    /// <summary>A guest that counts on its serial line, on the first host.</summary>
    /// <param name="name">The VM's.</param>
    /// <param name="pool">Of its disk; null: the first host's own.</param>
    /// <param name="also">What the guest does besides, in its shell.</param>
    /// <param name="shape">Changes what the VM is.</param>
    internal async Task<Vm> LaunchAsync(string name, string? pool = SharedPool, string also = "", Func<VmCreate, VmCreate>? shape = null)
    {
        var create = GuestDaemon.SmallLinuxVm(name, $"{also} i=0; while true; do i=$((i+1)); echo tick-$i-; sleep 1; done") with { Nics = [], Tags = [FirstPreferred], Disks = [new VmDiskCreate { SizeBytes = 1 << 30, Pool = pool }] };
        var ended = await First.Client.Operations.WaitAsync((await First.Client.Vms.CreateAsync(shape?.Invoke(create) ?? create, Deadline)).Id, null, Deadline);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        var vm = await VmAsync(name);
        Assert.Same(First, HostOf(vm));
        await UntilAsync(async () => await CountAsync(vm) > 0);
        return vm;
    }

    internal async Task<Vm> VmAsync(string name) => (await First.Client.Vms.GetAsync(name, Deadline)).Value;

    internal TestDaemon HostOf(Vm vm) => vm.Status!.Host == First.Daemon.HostId ? First : Second;

    internal async Task<Vm> MovedAsync(string name, TestDaemon to)
    {
        var ended = await EndOfAsync(await MigrateAsync(name, to));
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        return await VmAsync(name);
    }

    internal Task<Operation> MigrateAsync(string name, TestDaemon to, long? maxBytesPerSecond = null) =>
        MigrateAsync(name, new VmMigrate { To = to.Daemon.HostId, MaxBytesPerSecond = maxBytesPerSecond });

    internal Task<Operation> MigrateAsync(string name, VmMigrate migrate) => First.Client.Vms.MigrateAsync(name, migrate, Deadline);

    /// <summary>The ports of the second host to which guests come carry nothing, without a word to either end, until this is disposed of.</summary>
    internal Task<PacketFilter> CutAsync() => PacketFilter.PutAsync("cut", Second.Instance, ports => [$"tcp dport {ports} drop", $"tcp sport {ports} drop"]);

    /// <summary>What the second host receives there it still confirms, but no word of its own leaves it, until this is disposed of: the cut last handshake.</summary>
    internal Task<PacketFilter> MuteTargetAsync() => PacketFilter.PutAsync("mute", Second.Instance, ports => [$"tcp sport {ports} tcp flags & psh == psh drop"]);

    internal async Task<Operation> MigrateWithStorageAsync(string name, TestDaemon to) =>
        await First.Client.Vms.MigrateAsync(name, new VmMigrate { To = to.Daemon.HostId, WithStorage = true }, Deadline);

    internal Task<Operation> EndOfAsync(Operation operation) => First.Client.Operations.WaitAsync(operation.Id, null, Deadline);

    /// <summary>The last number that the guest has counted to, as this host has heard it; 0: none.</summary>
    internal async Task<int> CountAsync(Vm vm)
    {
        using var history = new MemoryStream();
        await HostOf(vm).Client.Vms.CopySerialHistoryAsync(vm.Id, history, Deadline);
        string text = System.Text.Encoding.UTF8.GetString(history.ToArray());
        string? last = text.Split("tick-").LastOrDefault(part => part.Contains('-', StringComparison.Ordinal));
        return last is not null && int.TryParse(last[..last.IndexOf('-', StringComparison.Ordinal)], out int count) ? count : 0;
    }

    /// <summary>QEMU's processes of the VM on a host.</summary>
    internal static IReadOnlyList<int> ProcessesOf(TestDaemon daemon, Vm vm) => CgroupManager.Detect(daemon.Instance.CgroupName).ReadMembers(vm.Id);

    internal static void Kill(int process) => ChildProcess.Adopt(ProcessIdentity.Read(process)!)!.Send(Signal.Kill);

    internal async Task UntilAsync(Func<Task<bool>> isSo)
    {
        while (!await isSo()) await Task.Delay(TimeSpan.FromMilliseconds(50), Deadline);
    }
}
