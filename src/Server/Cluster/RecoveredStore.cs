using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>
/// Makes the copy of a lost store one with which hosts can begin: another generation; nothing of what was under way goes on by itself. Nobody else uses the store meanwhile;
/// what is broken off is begun anew on another copy.
/// </summary>
internal sealed class RecoveredStore(IStore store, string hostId, TimeProvider time)
{
    private const int MostWrites = 80;

    private static readonly string[] OfHandover = [Keys.Vms.Handover.Suffix, Keys.Vms.HandoverSource.Suffix, Keys.Vms.HandoverTarget.Suffix, Keys.Vms.Departure.Suffix];

    /// <exception cref="ProblemException">It is the store of another cluster, or of none.</exception>
    public async Task RequireAsync(string clusterId, CancellationToken cancellation)
    {
        var found = await store.GetAsync(Keys.Cluster[""], cancellation) is { } item ? RecordJson.Read(item, Keys.Cluster) : null;
        if (found?.Id == clusterId) return;
        throw new ProblemException(
            ProblemKind.Conflict, "cluster.snapshotForeign",
            found is null ? "This is the copy of an etcd, but not of the store of a Lamina cluster." : $"This is the copy of the store of another cluster, '{found.Name}' ({found.Id}).",
            "Name a snapshot that a voter of this cluster has made.");
    }

    public async Task<long> GenerationAsync(CancellationToken cancellation) => (await StoreGeneration.EnsureAsync(store, time, cancellation)).Number;

    /// <summary>From now on nothing counts that was decided on the former state.</summary>
    /// <param name="recovery">Signed.</param>
    /// <param name="member">Of etcd, by which this host keeps the store.</param>
    /// <param name="cancellation">Ends it; then the copy is of no use.</param>
    public async Task BeginAsync(RecoveryRecord recovery, string member, CancellationToken cancellation)
    {
        var former = await StoreGeneration.EnsureAsync(store, time, cancellation);
        var change = new StoreChange("store.recovery")
            .Update(Keys.Generation, "", new GenerationRecord { Number = recovery.Generation }, former.Revision)
            .Put(Keys.Recovery, "", recovery)
            .Delete(Keys.Leader[""]);
        if (!(await change.CommitAsync(store, time, cancellation)).Succeeded) throw new InvalidOperationException("somebody else writes into a store that this host keeps alone");
        await HostsAsync(member, cancellation);
        await VmsAsync(cancellation);
        await OperationsAsync(cancellation);
    }

    /// <summary>Nobody lives until he says so himself, and only this host keeps a copy.</summary>
    private async Task HostsAsync(string member, CancellationToken cancellation)
    {
        var changes = new Batches(store, time);
        await foreach (var item in ReadAsync("hosts/", cancellation))
        {
            bool goes = Keys.Hosts.Live.IdOf(item.Key) is not null || Keys.Hosts.Voter.IdOf(item.Key) is not null || Keys.Hosts.Etcd.IdOf(item.Key) is not null
                || Keys.Hosts.Report.IdOf(item.Key) is not null || Keys.Hosts.Guests.IdOf(item.Key) is not null;
            if (goes) await changes.AddAsync(change => change.Delete(item.Key), cancellation);
        }

        await changes.EndAsync(cancellation);
        await new StoreChange("store.recovery").Put(Keys.Hosts.Voter, hostId, new VoterRecord { Member = member }).CommitAsync(store, time, cancellation);
    }

    /// <summary>No guest is on its way, and what was once asked of one counts as served: it was done, or it is asked again.</summary>
    private async Task VmsAsync(CancellationToken cancellation)
    {
        var requests = new Dictionary<string, string>(StringComparer.Ordinal);
        var statuses = new Dictionary<string, VmStatus>(StringComparer.Ordinal);
        var changes = new Batches(store, time);
        await foreach (var item in ReadAsync(Keys.Vms.Prefix, cancellation))
        {
            if (OfHandover.Any(suffix => item.Key.EndsWith(suffix, StringComparison.Ordinal))) await changes.AddAsync(change => change.Delete(item.Key), cancellation);
            else if (Keys.Vms.Spec.IdOf(item.Key) is { } vm && RecordJson.Read(item, Keys.Vms.Spec).Power.Request is { } request) requests[vm] = request;
            else if (Keys.Vms.Status.IdOf(item.Key) is { } known) statuses[known] = RecordJson.Read(item, Keys.Vms.Status);
        }

        foreach (string vm in requests.Keys.Union(statuses.Keys, StringComparer.Ordinal))
        {
            var status = statuses.GetValueOrDefault(vm);
            var settled = Settle(status ?? new VmStatus { Host = hostId, Epoch = 0, State = VmState.Stopped }, requests.GetValueOrDefault(vm));
            if (settled != status) await changes.AddAsync(change => change.Put(Keys.Vms.Status, vm, settled), cancellation);
        }

        await changes.EndAsync(cancellation);
    }

    /// <summary>The status without anything that would begin something by itself (pure).</summary>
    internal static VmStatus Settle(VmStatus status, string? request) => status with { Served = request ?? status.Served, RestartAt = null, StartDue = null, Job = null };

    private async Task OperationsAsync(CancellationToken cancellation)
    {
        var open = new HashSet<string>(StringComparer.Ordinal);
        var states = new Dictionary<string, OperationState>(StringComparer.Ordinal);
        await foreach (var item in ReadAsync("operations/", cancellation))
        {
            if (Keys.Operations.Request.IdOf(item.Key) is { } request) open.Add(request);
            else if (Keys.Operations.State.IdOf(item.Key) is { } id) states[id] = RecordJson.Read(item, Keys.Operations.State);
        }

        var changes = new Batches(store, time);
        foreach (string id in open.Where(id => states.GetValueOrDefault(id)?.IsEnded() != true))
            await changes.AddAsync(change => change.Put(Keys.Operations.State, id, EndOf(states.GetValueOrDefault(id))), cancellation);
        await changes.EndAsync(cancellation);
    }

    private OperationState EndOf(OperationState? state) => (state ?? new OperationState { Phase = OperationPhase.Failed }) with
    {
        Phase = OperationPhase.Failed,
        EndedAt = time.GetUtcNow(),
        Cancellable = false,
        Failure = new Failure
        {
            Code = "store.recovered",
            Message = "It was under way when the cluster's store was lost; how far it came is not known.",
            Remedy = "Look at what it was about, and ask for it again.",
        },
    };

    private async IAsyncEnumerable<StoreItem> ReadAsync(string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var page in store.ListAsync([prefix], cancellationToken: cancellation))
        {
            foreach (var item in page.Items) yield return item;
        }
    }

    /// <summary>Many writes in transactions of bounded size.</summary>
    private sealed class Batches(IStore store, TimeProvider time)
    {
        private StoreChange _change = new("store.recovery");
        private int _writes;

        public async Task AddAsync(Action<StoreChange> write, CancellationToken cancellation)
        {
            write(_change);
            if (++_writes >= MostWrites) await EndAsync(cancellation);
        }

        public async Task EndAsync(CancellationToken cancellation)
        {
            if (_writes == 0) return;
            await _change.CommitAsync(store, time, cancellation);
            (_change, _writes) = (new StoreChange("store.recovery"), 0);
        }
    }
}
