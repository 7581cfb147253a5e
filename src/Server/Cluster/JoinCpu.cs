using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Placement;

namespace Lamina.Server.Cluster;

/// <summary>Whether a joining host's processor fits those of the cluster (pure): guests of the cluster shall be able to run there, too.</summary>
internal static class JoinCpu
{
    private const int MostNames = 10;

    public static Failure? Misfit(CacheSnapshot snapshot, JoinFacts facts)
    {
        if (facts.Witness || CpuBaselines.Read(snapshot) is not { } baseline) return null;
        if (facts.CpuModels.Count == 0) return JoinRules.Misfit(
            "cluster.cpuUnknown", $"{facts.HostName} cannot tell which processors its guests can have: {facts.NoEngine ?? "QEMU has not answered yet."}",
            "Mend that (lamina doctor), or let it join as a witness: lamina cluster witness");
        if (Offers(facts, baseline.Model)) return null;
        string[] missing = [.. facts.CpuModels.Where(model => model.Name == baseline.Model).SelectMany(model => model.Missing)];
        string lacks = missing.Length > 0 ? $"lacks {string.Join(", ", missing)}" : $"has a QEMU that does not know {baseline.Model}";
        return JoinRules.Misfit(
            "cluster.cpu",
            $"{facts.HostName} {lacks}: guests of the cluster have the CPU {baseline.Model}, and could not run there. {baseline.Reason}{Pinned(snapshot, facts)}",
            $"Choose a CPU for new VMs that all of them offer, then join: lamina placement set --cpu-model {Common(snapshot, facts)}");
    }

    /// <summary>VMs that stay where they are: they were made with a CPU that the host does not offer.</summary>
    public static IEnumerable<string> Notes(CacheSnapshot snapshot, JoinFacts facts)
    {
        if (!facts.Witness && PinnedNames(snapshot, facts) is { Count: > 0 } names) yield return $"{Few(names)} cannot move to {facts.HostName}, which lacks features of the CPU that they have.";
    }

    private static string Pinned(CacheSnapshot snapshot, JoinFacts facts) =>
        PinnedNames(snapshot, facts) is { Count: > 0 } names ? $" VMs that keep a CPU which {facts.HostName} does not offer, and could never move there: {Few(names)}." : "";

    private static List<string> PinnedNames(CacheSnapshot snapshot, JoinFacts facts) =>
    [
        .. from vm in snapshot.All(Keys.Vms.Spec)
           where facts.CpuModels.Any(model => model.Name == vm.Record.Machine.CpuModel && model.Missing.Count > 0)
           let isRunning = snapshot.Get(Keys.Vms.Status, vm.Id)?.Record.State == VmState.Running
           orderby vm.Record.Name
           select $"{vm.Record.Name}{(isRunning ? " (running)" : "")}",
    ];

    private static string Few(List<string> names) => $"{string.Join(", ", names.Take(MostNames))}{(names.Count > MostNames ? $" and {names.Count - MostNames} more" : "")}";

    private static bool Offers(JoinFacts facts, string model) => facts.CpuModels.Any(known => known.Name == model && known.Missing.Count == 0);

    /// <summary>As the cluster would choose it by itself with this host among its own.</summary>
    private static string Common(CacheSnapshot snapshot, JoinFacts facts)
    {
        var joining = new HostStatus
        {
            Incarnation = "", BootId = "", DaemonVersion = facts.Version, DefaultCpuModel = facts.DefaultCpuModel,
            CpuModels = [.. facts.CpuModels.Where(model => model.Missing.Count == 0).Select(model => model.Name)],
        };
        return CpuBaselines.Of(null, [.. snapshot.All(Keys.Hosts.Status).Select(host => (snapshot.HostName(host.Id), host.Record)), (facts.HostName, joining)])!.Model;
    }
}
