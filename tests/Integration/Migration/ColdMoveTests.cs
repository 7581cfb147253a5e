using System.Security.Cryptography;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Server.Control;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Migration;

/// <summary>Two daemons that share nothing but the store: a VM at rest goes from one to the other with all of its files, or stays whole where it was.</summary>
public sealed class ColdMoveTests : IAsyncLifetime
{
    private const long Slow = 1 << 20;
    private TestCluster _cluster = null!;
    private Dictionary<string, string> _pools = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private LaminaClient Client => _cluster.A.Client;

    public async ValueTask InitializeAsync()
    {
        _cluster = await TestCluster.StartAsync(Token);
        _pools = (await Client.Pools.ListAsync(Token).ToListAsync(Token)).ToDictionary(pool => pool.Name, pool => pool.Spec.Path);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task AStoppedVmGoesWithItsDiskAndItsOwnFilesAndStartsThere()
    {
        var vm = await MakeAsync("web", bytes: 3 << 20);
        string nvram = Path.Join("vms", vm.Id, "nvram", "kept");
        Directory.CreateDirectory(Path.GetDirectoryName(Here(nvram))!);
        await File.WriteAllTextAsync(Here(nvram), "boot from the second disk", Token);
        string before = HashOf(Here(DiskOf(vm)));

        var ended = await EndAsync(await MigrateAsync("web"));
        Assert.True(ended.Phase == OperationPhase.Succeeded, ended.Failure?.Message);
        Assert.InRange((long)ended.Result!["transferredBytes"]!, 3 << 20, 4 << 20);
        Assert.Equal(before, HashOf(There(DiskOf(vm))));
        Assert.Equal("boot from the second disk", await File.ReadAllTextAsync(There(nvram), Token));
        Assert.False(Directory.Exists(Path.GetDirectoryName(Here(DiskOf(vm)))), "the old copy is gone");
        Assert.False(Directory.Exists(Here(Path.Join("vms", vm.Id))), "its own files are gone, too");

        var moved = (await Client.Vms.GetAsync("web", Token)).Value;
        Assert.Equal((_cluster.B.Daemon.HostId, 2), (moved.Assignment!.Host, moved.Assignment.Epoch));
        await SucceedAsync(await Client.Vms.StartAsync("web", new VmStartRequest(), Token));
        Assert.Single(_cluster.EngineB.Started);
    }

    [Fact]
    public async Task ASuspendedVmGoesOnWithItsMemory()
    {
        var vm = await MakeAsync("web", bytes: 1 << 20);
        await SucceedAsync(await Client.Vms.StartAsync("web", new VmStartRequest(), Token));
        await SucceedAsync(await Client.Vms.SuspendAsync("web", Token));
        await SucceedAsync(await MigrateAsync("web"));
        Assert.Equal(VmState.Suspended, (await Client.Vms.GetAsync("web", Token)).Value.Status!.State);
        await SucceedAsync(await Client.Vms.StartAsync("web", new VmStartRequest(), Token));
        Assert.Contains("LoadMemory", _cluster.EngineB.Guest(Guid.Parse(vm.Id)).Calls);
    }

    /// <summary>Cancelled in the midst of it: nothing is left there, and nothing has changed here.</summary>
    [Fact]
    public async Task ACancelledMoveLeavesNothingBehind()
    {
        var vm = await MakeAsync("web", bytes: 32 << 20);
        string before = HashOf(Here(DiskOf(vm)));
        var operation = await MigrateAsync("web", Slow);
        await UntilAsync(operation, state => state.Transfer is { TransferredBytes: > 0 });
        await Client.Operations.CancelAsync(operation.Id, Token);
        Assert.Equal(OperationPhase.Cancelled, (await EndAsync(operation)).Phase);
        await TestCluster.UntilAsync(_cluster.B, snapshot => snapshot.Get(Keys.Vms.Handover, vm.Id) is null, Keys.Vms.Handover);
        // The other host removes what it had when it learns of the end.
        await UntilAsync(() => !Directory.Exists(Path.GetDirectoryName(There(DiskOf(vm)))) && Directory.GetFiles(_cluster.B.Instance.ArrivalsDirectory).Length == 0);
        Assert.Equal(before, HashOf(Here(DiskOf(vm))));
        Assert.Equal(1, (await Client.Vms.GetAsync("web", Token)).Value.Assignment!.Epoch);
    }

    /// <summary>The line between the hosts is away for a while: the move waits for it, and goes on.</summary>
    [Fact]
    public async Task AMoveGoesOnWhenTheHostsReachEachOtherAgain()
    {
        var vm = await MakeAsync("web", bytes: 2 << 20);
        string before = HashOf(Here(DiskOf(vm)));
        _cluster.Cut();
        var operation = await MigrateAsync("web");
        await TestCluster.UntilAsync(_cluster.B, snapshot => snapshot.Get(Keys.Vms.HandoverSource, vm.Id)?.Record.Completed == true, Keys.Vms.HandoverSource);
        await UntilAsync(() => File.Exists(Path.Join(_cluster.B.Instance.ArrivalsDirectory, $"{vm.Id}.json")));
        _cluster.Mend();
        await SucceedAsync(operation);
        Assert.Equal(before, HashOf(There(DiskOf(vm))));
    }

    /// <summary>Something lies where the disk shall go, and nobody knows whose it is: it stays, and so does the VM.</summary>
    [Fact]
    public async Task FilesThatAreInTheWayAreNamedAndKept()
    {
        var vm = await MakeAsync("web", bytes: 1 << 20);
        Directory.CreateDirectory(Path.GetDirectoryName(There(DiskOf(vm)))!);
        await File.WriteAllTextAsync(There(DiskOf(vm)), "somebody's", Token);
        var ended = await EndAsync(await MigrateAsync("web"));
        Assert.Equal("migration.inTheWay", ended.Failure!.Code);
        Assert.Equal("somebody's", await File.ReadAllTextAsync(There(DiskOf(vm)), Token));
        Assert.True(File.Exists(Here(DiskOf(vm))));
    }

    /// <summary>A VM on the first host, stopped, with so much of something on its disk.</summary>
    private async Task<Vm> MakeAsync(string name, int bytes)
    {
        var create = new VmCreate { Name = name, MemoryMiB = 128, Disks = [new VmDiskCreate { SizeBytes = 64 << 20, Pool = "default" }], Nics = [] };
        await SucceedAsync(await Client.Vms.CreateAsync(create, Token));
        var vm = (await Client.Vms.GetAsync(name, Token)).Value;
        byte[] content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        await File.AppendAllBytesAsync(Here(DiskOf(vm)), content, Token);
        return vm;
    }

    private Task<Operation> MigrateAsync(string name, long? rate = null) =>
        Client.Vms.MigrateAsync(name, new VmMigrate { To = "hostb", WithStorage = true, MaxBytesPerSecond = rate }, Token);

    private async Task<OperationState> EndAsync(Operation operation) => (await Client.Operations.WaitAsync(operation.Id, null, Token)).State!;

    private async Task SucceedAsync(Operation operation)
    {
        var ended = await EndAsync(operation);
        Assert.True(ended.Phase == OperationPhase.Succeeded, ended.Failure?.Message);
    }

    private Task UntilAsync(Operation operation, Func<OperationState, bool> isSo) => TestCluster.UntilAsync(
        _cluster.A, snapshot => snapshot.Get(Keys.Operations.State, operation.Id)?.Record is { } state && isSo(state), Keys.Operations.State);

    /// <summary>Of files no record speaks.</summary>
    private static async Task UntilAsync(Func<bool> isSo)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!isSo()) await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
    }

    private static string DiskOf(Vm vm) => Path.Join("disks", vm.Spec.Disks[0].Disk, "disk.qcow2");

    private string Here(string path) => Path.Join(_pools["default"], path);

    private string There(string path) => Path.Join(_pools["default-hostb"], path);

    private static string HashOf(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexString(SHA256.HashData(file));
    }
}
