using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Hosts;

namespace Lamina.Server.Placement;

/// <summary>
/// Whether a host takes VMs, and why not (pure): the one place that says so, for placement, which turns such a host away, as for people.
/// </summary>
internal static class HostFitnesses
{
    /// <summary>Of every host at one state.</summary>
    public static Func<string, HostFitness> In(CacheSnapshot snapshot)
    {
        var placed = PlacementBoard.Read(snapshot).Hosts.ToDictionary(host => host.Id, StringComparer.Ordinal);
        return id => Of(snapshot, id, placed.GetValueOrDefault(id));
    }

    /// <summary>The first reason, as the end of the sentence "the host takes no VMs: …"; null: it takes VMs.</summary>
    public static string? ClosedBy(CacheSnapshot snapshot, string id) => Against(snapshot, id).Select(reason => reason.Words).FirstOrDefault();

    private static HostFitness Of(CacheSnapshot snapshot, string id, PlacementHost? placed)
    {
        string name = snapshot.HostName(id);
        Failure[] reasons = [.. Against(snapshot, id).Select(reason => new Failure { Code = reason.Code, Message = $"Host '{name}' takes no VMs: {reason.Words}.", Remedy = reason.Remedy })];
        return new HostFitness
        {
            TakesVms = reasons.Length == 0,
            Reasons = reasons,
            Notes = [.. Notes(snapshot, id, placed)],
            CapacityMiB = placed?.CapacityMiB,
            PromisedMiB = placed?.CommittedMiB,
            PromisedCpus = placed?.CommittedCpus,
        };
    }

    private static IEnumerable<(string Code, string Words, string? Remedy)> Against(CacheSnapshot snapshot, string id)
    {
        var spec = snapshot.Get(Keys.Hosts.Spec, id)?.Record;
        string name = spec?.Name ?? id;
        if (snapshot.Get(Keys.RemovedHosts, id) is not null) yield return ("host.removed", "it was taken out of the cluster", null);
        if (spec is { Witness: true }) yield return ("host.witness", "it is a witness, which runs no VM", null);
        if (spec?.Maintenance is { } maintenance)
            yield return ("host.maintenance", $"it is in maintenance{(maintenance.Reason is { } reason ? $" ({reason})" : "")}", $"When that is over: lamina host maintenance exit {name}");
        // Where no host says that it lives, none is asked to.
        if (!HostPresence.IsLive(snapshot, id) && snapshot.All(Keys.Hosts.Live).Any())
        {
            string since = snapshot.Get(Keys.Hosts.Silence, id) is { } silence ? $" since {silence.Record.Since:u}" : "";
            yield return ("host.silent", $"its daemon is silent{since}", "Look at the machine, its network, and its journal: journalctl -u lamina");
        }

        if (spec is { Witness: true }) yield break;
        if (snapshot.Get(Keys.Hosts.Clock, id)?.Record is { } clock && !HostClocks.IsBearable(clock))
            yield return ("host.clockOff", $"its clock is {HostClocks.Words(clock)}", HostClocks.Remedy);
        var status = snapshot.Get(Keys.Hosts.Status, id)?.Record;
        if (status?.Failure is { } failure) yield return ("host.noEngine", $"QEMU cannot be used there: {failure.Message.TrimEnd('.')}", failure.Remedy);
        else if (status?.Accelerator is null) yield return ("host.notTold", "it has not told yet what it has", "Wait until its daemon has asked QEMU.");
    }

    private static IEnumerable<string> Notes(CacheSnapshot snapshot, string id, PlacementHost? placed)
    {
        if (snapshot.Get(Keys.Hosts.Clock, id)?.Record is { } clock && HostClocks.IsBearable(clock)) yield return $"Its clock is {HostClocks.Words(clock)}. {HostClocks.Remedy}";
        if (snapshot.Get(Keys.Hosts.Spec, id)?.Record.Witness == true || snapshot.Get(Keys.Hosts.Status, id)?.Record is not { } status) yield break;
        if (status.Accelerator is { Kind: AcceleratorKind.Tcg } slow) yield return $"Guests run slowly, without KVM: {slow.Reason}";
        if (ClusterLevel.NewestIn(snapshot) is { } newest && ProgramVersion.Compare(status.DaemonVersion, newest) < 0)
            yield return $"It runs version {status.DaemonVersion}, others {newest}: lamina cluster upgrade";
        if (placed is null) yield break;
        if (placed is { Pools.Count: 0 }) yield return "It reaches no pool: VMs have nowhere to keep disks there.";
        foreach (var (network, why) in placed.MissingNetworks.OrderBy(missing => missing.Key, StringComparer.Ordinal))
            yield return $"Network '{snapshot.Get(Keys.Networks.Spec, network)?.Record.Name ?? network}' is not offered there: {why}";
        if (placed.CommittedMiB > placed.CapacityMiB) yield return $"More memory is promised ({placed.CommittedMiB} MiB) than may be ({placed.CapacityMiB} MiB).";
    }
}
