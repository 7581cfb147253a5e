using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Migration.Plan;

namespace Lamina.Server.Migration;

/// <summary>Takeovers in words (pure).</summary>
internal static class TakeoverWords
{
    public static Failure Of(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, TakeoverRequest request, TakeoverRefusal why, TakeoverSeen seen)
    {
        string name = vm.Record.Name;
        string dead = snapshot.HostName(request.From);
        return why switch
        {
            TakeoverRefusal.Live => Refused("takeOver.hostLives", $"Host '{dead}' lives: it renews its lease.", $"Migrate the VM: lamina vm migrate {name} --to HOST."),
            TakeoverRefusal.NotProved => Refused(
                "takeOver.notProved",
                $"Host '{dead}' is silent, and nobody can tell from here whether it still runs VM '{name}'. If it does, a second instance would ruin its disks.",
                $"See for yourself that it is off, or cut from its disks and networks, then give your word: lamina vm take-over {name} --from {dead} --i-know-it-is-dead."),
            TakeoverRefusal.Arriving => Refused(
                "takeOver.arriving", $"VM '{name}' is being taken over by host '{snapshot.HostName(seen.Handover!.To)}' already, with all of its memory: the migration goes on without '{dead}'.", "Look again in a moment: lamina vm show."),
            _ => Refused("takeOver.notThere", $"VM '{name}' is on host '{snapshot.HostName(seen.Assignment.Host)}' and not on '{dead}'.", $"See: lamina vm show {name}."),
        };
    }

    public static Failure NotPlaced(string name) => Refused("takeOver.notThere", $"VM '{name}' is on no host yet.", $"Start it: lamina vm start {name}.");

    public static Failure OnlyThere(CacheSnapshot snapshot, string name, string host) => Refused(
        "takeOver.onlyThere", $"Host '{snapshot.HostName(host)}' has a process of VM '{name}' that must end first, so it alone can have it.", $"Name it, or none: --to {snapshot.HostName(host)}.");

    public static Failure NoHost(CacheSnapshot snapshot, string name, string? only) => Refused(
        "takeOver.noHost",
        only is null ? $"There is no other host that VM '{name}' could go to." : $"Host '{snapshot.HostName(only)}' cannot take VM '{name}': it is the dead one, or has not told what it is.",
        "See: lamina host list.");

    /// <summary>For the timeline.</summary>
    public static string Taken(CacheSnapshot snapshot, string name, TakeoverDecision decision, TakeoverRequest request, HostDeath? known)
    {
        string word = $"{(known is null || request.IsSaid ? request.RequestedBy : known.By)} has said that it is dead";
        string dead = snapshot.HostName(request.From);
        return decision.Host is { } host
            ? $"VM '{name}' goes from host '{dead}' to host '{snapshot.HostName(host)}': {word}. {(decision.Starts ? "It is started anew from its disks; what was in its memory is lost." : "It did not run.")}"
            : $"The migration of VM '{name}' away from host '{dead}' is closed: it is whole on its new host, and {word}.";
    }

    private static Failure Refused(string code, string message, string remedy) => new() { Code = code, Message = message, Remedy = remedy };
}
