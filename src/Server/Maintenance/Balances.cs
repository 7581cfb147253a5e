using System.Globalization;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Maintenance.Plan;
using Lamina.Server.Migration;
using Lamina.Server.Placement;
using Lamina.Server.Operations;

namespace Lamina.Server.Maintenance;

/// <summary>What balancing would do now, by the records (pure).</summary>
internal static class Balances
{
    /// <summary>Who asks for the moves that are made by themselves.</summary>
    public const string Requester = "system:balance";

    /// <summary>Few moves at a time: what they do to the load is measured before the next.</summary>
    public const int MostMoves = 2;

    /// <summary>Means over less than this say nothing yet.</summary>
    private const int LeastSeconds = 120;
    private const double PressureCpuPercent = 25;
    private const double PressureMemoryPercent = 10;

    /// <summary>A VM that has just been moved stays for so long.</summary>
    private static readonly TimeSpan VmRest = TimeSpan.FromHours(1);

    public static BalanceReport Of(CacheSnapshot snapshot, DateTimeOffset now)
    {
        var mode = ModeIn(snapshot);
        var hosts = snapshot.All(Keys.Hosts.Spec).Where(host => !host.Record.Witness).OrderBy(host => host.Record.Name, StringComparer.Ordinal).ToList();
        var nodes = hosts.Select(host => NodeOf(snapshot, host)).OfType<BalanceNode>().ToList();
        var moved = RecentlyMoved(snapshot, now);
        var guests = nodes.SelectMany(node => GuestsOf(snapshot, node, moved)).ToList();
        // Read only when a move is thought of, and then once.
        var world = new Lazy<PlacementWorld>(() => PlacementBoard.Read(snapshot));
        var steps = mode == BalanceMode.Off ? [] : BalancePlan.Next(nodes, guests, (vm, to) => CanGo(snapshot, vm, to, world.Value), MostMoves);
        return new BalanceReport
        {
            Mode = mode,
            Hosts = [.. hosts.Select(host => Shown(snapshot, host, nodes))],
            Moves = [.. steps.Select(step => Shown(snapshot, step))],
            Reason = Words(mode, hosts.Count, nodes, steps),
        };
    }

    public static BalanceMode ModeIn(CacheSnapshot snapshot) => snapshot.Get(Keys.PlacementSettings, "")?.Record.Balance ?? BalanceMode.Advise;

    private static string Words(BalanceMode mode, int hosts, IReadOnlyList<BalanceNode> nodes, IReadOnlyList<BalanceStep> steps) => mode switch
    {
        BalanceMode.Off => "Balancing is off: lamina cluster rebalance --auto advise.",
        _ when hosts < 2 => "There is only one host.",
        _ when nodes.Count < 2 => "The hosts have not told their load for long enough yet.",
        _ when steps.Count > 0 => $"At most {MostMoves} moves at a time: what they do is measured before the next.",
        _ when nodes.All(node => node.Load < BalancePlan.Busy && !node.Presses) => "No host is so busy that it needs relief.",
        _ => "No move would relieve a busy host enough to be worth its while.",
    };

    /// <summary>Null: its load is not known.</summary>
    private static BalanceNode? NodeOf(CacheSnapshot snapshot, CachedRecord<HostSpec> host)
    {
        if (snapshot.Get(Keys.Hosts.Load, host.Id)?.Record is not { Seconds: >= LeastSeconds } load || snapshot.Get(Keys.Hosts.Status, host.Id)?.Record is not { Cores: > 0 } status) return null;
        bool presses = load.PressureCpuPercent >= PressureCpuPercent || load.PressureMemoryPercent >= PressureMemoryPercent;
        return new BalanceNode(host.Id, status.Cores, load.MemoryBytes, load.CpuPercent / 100 * status.Cores, load.MemoryUsedBytes, presses, host.Record.Maintenance is null);
    }

    private static IEnumerable<BalanceGuest> GuestsOf(CacheSnapshot snapshot, BalanceNode node, HashSet<string> moved)
    {
        foreach (var (id, load) in snapshot.Get(Keys.Hosts.Load, node.Id)!.Record.Vms)
        {
            if (snapshot.Get(Keys.Vms.Assignment, id)?.Record.Host != node.Id) continue;
            bool isMovable = snapshot.Get(Keys.Vms.Status, id)?.Record is { State: VmState.Running, Job: null } && snapshot.Get(Keys.Vms.Handover, id) is null && !moved.Contains(id);
            yield return new BalanceGuest(id, node.Id, load.CpuPercent / 100, load.ResidentBytes, isMovable);
        }
    }

    private static HashSet<string> RecentlyMoved(CacheSnapshot snapshot, DateTimeOffset now) =>
    [
        .. snapshot.All(Keys.Operations.Request)
            .Where(request => request.Record.Kind == Migrations.Operation && now - (snapshot.Get(Keys.Operations.State, request.Id)?.Record.EndedAt ?? now) < VmRest)
            .Select(request => request.Record.Target.Id),
    ];

    private static bool CanGo(CacheSnapshot snapshot, string vmId, string to, PlacementWorld world) =>
        snapshot.Get(Keys.Vms.Spec, vmId) is { } vm && Migrations.Forecast(snapshot, vm, new MigrationRequest { To = to }, world).Blockers.Count == 0;

    private static BalanceHost Shown(CacheSnapshot snapshot, CachedRecord<HostSpec> host, IReadOnlyList<BalanceNode> nodes)
    {
        var load = snapshot.Get(Keys.Hosts.Load, host.Id)?.Record;
        return new BalanceHost
        {
            Id = host.Id,
            Name = host.Record.Name,
            LoadPercent = nodes.FirstOrDefault(node => node.Id == host.Id)?.Load * 100,
            CpuPercent = load?.CpuPercent,
            MemoryPercent = load is { MemoryBytes: > 0 } ? 100.0 * load.MemoryUsedBytes / load.MemoryBytes : null,
            PressureCpuPercent = load?.PressureCpuPercent,
            PressureMemoryPercent = load?.PressureMemoryPercent,
        };
    }

    private static BalanceMove Shown(CacheSnapshot snapshot, BalanceStep step)
    {
        var vm = snapshot.Get(Keys.Vms.Spec, step.Vm)!.Record;
        string from = snapshot.HostName(step.From);
        string to = snapshot.HostName(step.To);
        return new BalanceMove
        {
            Vm = step.Vm,
            VmName = vm.Name,
            Project = vm.Project,
            From = step.From,
            FromName = from,
            To = step.To,
            ToName = to,
            Reason = string.Create(CultureInfo.InvariantCulture, $"'{from}' is {step.FromLoad * 100:0} % used and '{to}' {step.ToLoad * 100:0} %; after it they are {step.FromAfter * 100:0} % and {step.ToAfter * 100:0} %."),
        };
    }
}
