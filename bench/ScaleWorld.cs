using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Store;

namespace Lamina.Bench;

/// <summary>A VM on record, and who writes its status.</summary>
internal sealed record ScaleVm(string Id, string Host, VmStatus Status);

/// <summary>
/// A large installation in a store: hosts that hold their leases and tell their load, and VMs that run there. Every record has the shape and size of
/// those that the daemon wrote for a host and a VM of its own. No QEMU runs for them.
/// </summary>
internal sealed class ScaleWorld(IStore store, CacheSnapshot model, string modelHost, string modelVm)
{
    /// <summary>Like the daemons' own (<c>LoadKeeper</c>).</summary>
    private static readonly TimeSpan LoadInterval = TimeSpan.FromSeconds(10);

    private const int AtOnce = 16;
    private const int PutsPerTransaction = 90;

    private readonly List<string> _hosts = [];
    private readonly List<ScaleVm> _vms = [];

    /// <summary>How often a host changes one of its VMs. No status of one VM is written more often than every 2 s (decision 14).</summary>
    public TimeSpan StatusInterval { get; set; } = TimeSpan.FromSeconds(2);

    public async Task FillAsync(int hosts, int vms, CancellationToken cancellationToken)
    {
        var puts = new List<StoreWrite>();
        for (int index = 0; index < hosts; index++) puts.AddRange(Host(index));
        for (int index = 0; index < vms; index++) puts.AddRange(Vm(index));
        await Parallel.ForEachAsync(
            puts.Chunk(PutsPerTransaction), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (chunk, token) => await store.CommitAsync(new StoreTransaction { Writes = chunk }, token));
    }

    /// <summary>Each host on a line of its own: its lease, its load, and what happens to its VMs, one after the other; until cancelled.</summary>
    /// <param name="committed">VM, revision of its new status, and when the commit began.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task WriteAsync(Action<string, long, long> committed, CancellationToken cancellationToken) =>
        Task.WhenAll(_hosts.Select((host, index) => RunHostAsync(host, index, committed, cancellationToken)));

    private IEnumerable<StoreWrite> Host(int index)
    {
        string id = Guid.CreateVersion7().ToString();
        _hosts.Add(id);
        string name = $"scale-host{index}";
        // Without addresses, since nobody answers there: the lines of a real cluster are open, and cost its leader no handshakes.
        yield return Put(Keys.Hosts.Spec, id, model.Get(Keys.Hosts.Spec, modelHost)!.Record with { Name = name, Addresses = null });
        yield return Put(Keys.Hosts.Status, id, model.Get(Keys.Hosts.Status, modelHost)!.Record with { Incarnation = id, MemoryMiB = 1 << 20, Cores = 128 });
        yield return Put(Keys.Names, Keys.NameId("-", "host", name), new Claim { Owner = id });
    }

    private IEnumerable<StoreWrite> Vm(int index)
    {
        string id = Guid.CreateVersion7().ToString();
        string disk = Guid.CreateVersion7().ToString();
        string host = _hosts[index % _hosts.Count];
        string name = $"scale-vm{index}";
        var spec = model.Get(Keys.Vms.Spec, modelVm)!.Record;
        var status = model.Get(Keys.Vms.Status, modelVm)!.Record with { Host = host, State = VmState.Running, Served = spec.Power.Request };
        var vm = new ScaleVm(id, host, status);
        _vms.Add(vm);
        var ownDisk = model.Get(Keys.Disks.Spec, spec.Disks[0].Disk)!;
        yield return Put(Keys.Vms.Spec, id, spec with { Name = name, Disks = [spec.Disks[0] with { Disk = disk }], Power = spec.Power with { Wanted = PowerWanted.Running } });
        yield return Put(Keys.Vms.Assignment, id, model.Get(Keys.Vms.Assignment, modelVm)!.Record with { Host = host });
        yield return Put(Keys.Vms.Status, id, status);
        yield return Put(Keys.Disks.Spec, disk, ownDisk.Record with { Name = $"{name}-disk0", Vm = id });
        yield return Put(Keys.Disks.Status, disk, model.Get(Keys.Disks.Status, ownDisk.Id)!.Record);
        yield return Put(Keys.Names, Keys.NameId(spec.Project, "vm", name), new Claim { Owner = id });
    }

    private async Task RunHostAsync(string host, int index, Action<string, long, long> committed, CancellationToken cancellationToken)
    {
        // Spread over the interval, as hosts are that were started at different times.
        await Task.Delay(StatusInterval * index / _hosts.Count, cancellationToken);
        var lease = await HeldLease.GrantAsync(store, HostPresence.TimeToLive, TimeProvider.System, cancellationToken);
        var live = new HostLive { Incarnation = host, Since = TimeProvider.System.GetUtcNow() };
        await new StoreChange("host.live").Put(Keys.Hosts.Live, host, live, lease.Id).CommitAsync(store, TimeProvider.System, cancellationToken);
        await Task.WhenAll(
            lease.KeepAsync(cancellationToken),
            TellLoadAsync(host, cancellationToken),
            ChangeVmsAsync([.. _vms.Where(vm => vm.Host == host)], committed, cancellationToken));
    }

    private async Task TellLoadAsync(string host, CancellationToken cancellationToken)
    {
        string[] vms = [.. _vms.Where(vm => vm.Host == host).Select(vm => vm.Id)];
        using var timer = new PeriodicTimer(LoadInterval);
        do
        {
            var load = new HostLoad
            {
                At = TimeProvider.System.GetUtcNow(),
                Seconds = 300,
                CpuPercent = 40,
                MemoryBytes = 1L << 40,
                MemoryUsedBytes = 1L << 39,
                Vms = vms.ToDictionary(vm => vm, _ => new VmLoad { CpuPercent = 12.5, ResidentBytes = 1 << 30 }),
            };
            await new StoreChange("host.load").Put(Keys.Hosts.Load, host, load).CommitAsync(store, TimeProvider.System, cancellationToken);
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private async Task ChangeVmsAsync(ScaleVm[] vms, Action<string, long, long> committed, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(StatusInterval);
        for (long run = 2; vms.Length > 0; run++)
        {
            var vm = vms[run % vms.Length];
            // A change that is seen: each time that it is a VM's turn, the VM is paused or runs again.
            var state = run / vms.Length % 2 == 0 ? VmState.Running : VmState.Paused;
            var status = vm.Status with { Run = run, State = state, StartedAt = TimeProvider.System.GetUtcNow() };
            long begun = TimeProvider.System.GetTimestamp();
            var result = await new StoreChange("vm.status").Put(Keys.Vms.Status, vm.Id, status).CommitAsync(store, TimeProvider.System, cancellationToken);
            committed(vm.Id, result.Revision, begun);
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    private static StoreWrite.Put Put<T>(RecordKind<T> kind, string id, T record)
        where T : StoredRecord => new(kind[id], RecordJson.Write(record, kind.TypeInfo));
}
