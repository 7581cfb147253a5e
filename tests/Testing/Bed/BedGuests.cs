using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Processes;
using Lamina.Testing.Checker;

namespace Lamina.Testing.Bed;

/// <summary>
/// Checker guests on the hosts of a bed that is one cluster, and their judge: where they run is read from the hosts' processes, how they are from their own words. They begin on a host of the
/// test's choice, by a rule of placement.
/// </summary>
internal sealed class BedGuests : IAsyncDisposable
{
    /// <summary>A directory that all hosts see.</summary>
    public const string SharedPool = "shared";

    /// <summary>Of VMs whose disks are on the host's own pool: they go along.</summary>
    public const string LocalTag = "local";

    private const string Kernel = "checker-kernel", Initrd = "checker-initrd";
    private const int MemoryMiB = 128;
    private const long DiskBytes = 16 << 20;

    private readonly ClusterBed _bed;

    private BedGuests(ClusterBed bed)
    {
        _bed = bed;
        Listener = bed.OnSwitch(() => new CheckerListener(bed.Observer));
    }

    public CheckerListener Listener { get; }

    /// <summary>Makes the shared pool and brings the guests' kernel there; it is ready when all hosts see it.</summary>
    public static async Task<BedGuests> PrepareAsync(ClusterBed bed, CancellationToken cancellation)
    {
        var client = bed.Hosts[0].Client;
        var media = await CheckerMedia.GetAsync(cancellation);
        await SucceedsAsync(client, await client.Pools.CreateAsync(new PoolCreate { Name = SharedPool, Path = Path.Combine(bed.Shared, "pool"), Shared = true }, cancellation), cancellation);
        await UploadAsync(client, Kernel, media.Kernel, IsoKind.Kernel, cancellation);
        await UploadAsync(client, Initrd, media.Initrd, IsoKind.Initrd, cancellation);
        await Eventually.BecomesAsync(
            async ending => (await client.Pools.GetAsync(SharedPool, ending)).Value.Hosts.Count(host => host.Status.Available) == bed.Hosts.Count, "all hosts have the shared pool");
        return new BedGuests(bed);
    }

    /// <summary>Launches one and waits until it speaks and has looked at all of its memory.</summary>
    /// <param name="name">The VM's, and the checker's.</param>
    /// <param name="on">Where it begins.</param>
    /// <param name="pool">Of its disk; null: the host's own.</param>
    /// <param name="cancellation">Gives it up.</param>
    /// <param name="change">Changes what the checker does.</param>
    /// <param name="shape">Changes what the VM is.</param>
    public async Task<Vm> LaunchAsync(
        string name, BedHost on, string? pool, CancellationToken cancellation, Func<CheckerSettings, CheckerSettings>? change = null, Func<VmCreate, VmCreate>? shape = null)
    {
        var settings = new CheckerSettings { Id = name, To = Listener.Address };
        var client = _bed.Hosts[0].Client;
        await client.Placement.CreateRuleAsync(new PlacementRuleCreate { Name = $"begin-{name}", Kind = PlacementRuleKind.OnHosts, Tags = [$"begin-{name}"], Hosts = [on.Name], Preferred = true }, cancellation);
        var create = new VmCreate
        {
            Name = name,
            MemoryMiB = MemoryMiB,
            Disks = [new VmDiskCreate { SizeBytes = DiskBytes, Pool = pool }],
            Kernel = new VmKernel { Kernel = Kernel, Initrd = Initrd, CommandLine = (change?.Invoke(settings) ?? settings).CommandLine },
            Restart = RestartPolicy.Always,
            Tags = pool == SharedPool ? [$"begin-{name}"] : [$"begin-{name}", LocalTag],
            Start = true,
        };
        await SucceedsAsync(client, await client.Vms.CreateAsync(shape?.Invoke(create) ?? create, cancellation), cancellation);
        await Listener.UntilAsync(name, record => record.Last?.Word is { Sweeps: > 0, Written: > 0 }, cancellation);
        return (await client.Vms.GetAsync(name, cancellation)).Value;
    }

    /// <summary>QEMU's processes of the VM, on each host that has any.</summary>
    public IReadOnlyList<(BedHost Host, int Process)> ProcessesOf(string vm) =>
        [.. _bed.Hosts.SelectMany(host => CgroupManager.Detect(host.Instance.CgroupName).ReadMembers(vm).Select(process => (host, process)))];

    public static void Kill(int process)
    {
        if (ProcessIdentity.Read(process) is not { } identity) return;
        using var child = ChildProcess.Adopt(identity);
        child?.Send(Signal.Kill);
    }

    /// <summary>Waits until the operation has ended, and says how. A host that does not answer just now is left out.</summary>
    public async Task<Operation> EndOfAsync(Operation operation, TimeSpan? patience = null)
    {
        Operation? last = null;
        await Eventually.BecomesAsync(async cancellation => (last = await AskAsync(client => client.Operations.GetAsync(operation.Id, cancellation))).State?.EndedAt is not null,
            $"the operation {operation.Id} ends", patience);
        return last!;
    }

    /// <summary>
    /// Waits until the VM rests: one process on one host, which is the one that the cluster names, and the guest speaks from there and has looked at all of its memory since. Then judges it.
    /// </summary>
    /// <param name="vm">The VM.</param>
    /// <param name="runs">How many runs it may have had; more: it was begun anew without need, and its memory is lost.</param>
    /// <param name="patience">How long it may take.</param>
    /// <returns>Where it rests, and all that it has lived through.</returns>
    public async Task<(BedHost Host, CheckerRecord Record)> RestsAsync(Vm vm, int runs, TimeSpan? patience = null)
    {
        BedHost? on = null;
        string seen = "nothing was seen";
        await Eventually.BecomesAsync(async cancellation =>
        {
            var now = (await AskAsync(client => client.Vms.GetAsync(vm.Id, cancellation))).Value;
            var processes = ProcessesOf(vm.Id);
            on = processes.Count == 1 ? processes[0].Host : null;
            seen = $"{now.Status?.State} on {now.Status?.Host} at {now.Status?.Epoch}, assigned to {now.Assignment?.Host} at {now.Assignment?.Epoch}, processes on {string.Join(", ", processes.Select(process => process.Host.Name))}";
            return on is not null && now.Status is { State: VmState.Running } status && status.Host == now.Assignment?.Host && status.Epoch == now.Assignment.Epoch && await IdOfAsync(on, cancellation) == status.Host;
        }, () => $"VM {vm.Name} rests on one host ({seen})", patience);
        var (begun, run) = (Listener.Of(vm.Name).Last!.Word.Sweeps, Listener.Of(vm.Name).Runs.Count);
        using var deadline = new CancellationTokenSource(patience ?? Eventually.Patience);
        var record = await Listener.UntilAsync(vm.Name, record => record.Findings.Count > 0 || (record.Last!.From == on!.Address && (record.Last.Word.Sweeps >= begun + 2 || record.Runs.Count > run)), deadline.Token);
        if (record.Findings.Count > 0) throw new CheckerException($"VM {vm.Name}: {string.Join("; ", record.Findings)}");
        if (record.Runs.Count > runs) throw new CheckerException($"VM {vm.Name} has begun anew without need: {record.Runs.Count} runs, {runs} were allowed");
        return (on!, record);
    }

    public ValueTask DisposeAsync() => Listener.DisposeAsync();

    /// <summary>Asks one host after another until one answers.</summary>
    public async Task<T> AskAsync<T>(Func<LaminaClient, Task<T>> ask)
    {
        for (int index = 0; ; index++)
        {
            try
            {
                return await ask(_bed.Hosts[index].Client);
            }
            catch (Exception failure) when (failure is LaminaUnreachableException or LaminaException && index + 1 < _bed.Hosts.Count)
            {
                // The next one.
            }
        }
    }

    private static async Task<string> IdOfAsync(BedHost host, CancellationToken cancellation) => (await host.Client.Cluster.GetAsync(cancellation)).Host;

    private static async Task UploadAsync(LaminaClient client, string name, string file, IsoKind kind, CancellationToken cancellation)
    {
        await using var content = File.OpenRead(file);
        var upload = await client.Uploads.SendAsync(content, new UploadCreate { SizeBytes = content.Length, Pool = SharedPool }, null, cancellation);
        await SucceedsAsync(client, await client.Isos.CreateAsync(new IsoCreate { Name = name, Kind = kind, Upload = upload.Id, Pool = SharedPool }, cancellation), cancellation);
    }

    private static async Task SucceedsAsync(LaminaClient client, Operation asked, CancellationToken cancellation)
    {
        var ended = await client.Operations.WaitAsync(asked.Id, null, cancellation);
        if (ended.State!.Phase != OperationPhase.Succeeded) throw new InvalidOperationException($"{ended.Request.Kind}: {ended.State.Failure?.Message}");
    }
}
