using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Maintenance;

/// <summary>Evacuations in words (pure).</summary>
internal static class EvacuationWords
{
    /// <summary>More than these are counted and not named.</summary>
    private const int MostNamed = 5;

    /// <summary>A record holds at most 64 KiB.</summary>
    private const int MostListed = 100;

    /// <summary>Why a VM is sent on its way.</summary>
    public static string Why(CacheSnapshot snapshot, EvacuationJob job, Evacuee vm)
    {
        string to = snapshot.HostName(vm.To!);
        string again = vm.Attempts > 0 ? " It is tried once more." : "";
        if (job.Kind == EvacuationJob.Exit) return $"VM '{vm.Name}' goes back to host '{to}', whose maintenance is over.{again}";
        string what = job.Kind switch
        {
            EvacuationJob.Enter => "is emptied for maintenance",
            EvacuationJob.Reboot => "is emptied, since it is to reboot",
            EvacuationJob.Shutdown => "is emptied, since it is to be switched off",
            _ => "is emptied",
        };
        return $"VM '{vm.Name}' goes from host '{job.HostName}' to host '{to}': '{job.HostName}' {what}, and '{to}' is the best that can take it.{again}";
    }

    public static int Percent(IReadOnlyList<Evacuee> vms)
    {
        var going = vms.Where(IsGoing).ToList();
        return going.Count == 0 ? 99 : Math.Min(99, going.Count(vm => vm.State == EvacueeState.Moved) * 100 / going.Count);
    }

    public static string Progress(IReadOnlyList<Evacuee> vms, TimeSpan? left)
    {
        var going = vms.Where(IsGoing).ToList();
        var underWay = vms.Where(vm => vm.State == EvacueeState.UnderWay).Select(vm => vm.Name).ToList();
        string now = underWay.Count == 0 ? "" : $", on their way: {Listed(underWay)}";
        string wait = vms.Where(vm => vm.State == EvacueeState.Passing).Select(vm => vm.Name).ToList() is { Count: > 0 } passing ? $", waiting for {Listed(passing)}" : "";
        string end = left is { } time && time > TimeSpan.Zero ? $", done in about {Math.Ceiling(time.TotalSeconds):0} s" : "";
        return $"{going.Count(vm => vm.State == EvacueeState.Moved)} of {going.Count} VMs have gone{now}{wait}{end}";
    }

    /// <summary>Such as <c>1 VM has</c>.</summary>
    public static string Have(int vms) => vms == 1 ? "1 VM has" : $"{vms} VMs have";

    /// <summary>Who is left, and why; null: nobody who should have gone.</summary>
    public static Failure? Incomplete(EvacuationJob job, IReadOnlyList<Evacuee> vms)
    {
        var left = vms.Where(vm => vm.State == EvacueeState.Failed || (vm.State == EvacueeState.Blocked && !job.SkipBlocked)).ToList();
        if (left.Count == 0) return null;
        string more = left.Count > MostNamed ? $" And {left.Count - MostNamed} more." : "";
        return new Failure
        {
            Code = "evacuation.incomplete",
            Message = $"{left.Count} VMs are still on host '{job.HostName}'. {string.Join(' ', left.Take(MostNamed).Select(vm => $"'{vm.Name}': {vm.Reasons[0].Message}"))}{more}",
            Remedy = job.IsMaintenance
                ? $"Move or stop them and ask again, or give it up: lamina host maintenance exit {job.HostName}."
                : "Move or stop them, and ask again.",
        };
    }

    /// <summary>Of the operation, by names.</summary>
    public static JsonObject Result(IReadOnlyList<Evacuee> vms) => new()
    {
        ["moved"] = new JsonArray([.. vms.Where(vm => vm.State == EvacueeState.Moved).Take(MostListed).Select(vm => (JsonNode)vm.Name)]),
        ["staying"] = new JsonArray(
        [
            .. vms.Where(vm => vm.State is EvacueeState.Staying or EvacueeState.Blocked or EvacueeState.Failed).Take(MostListed)
                .Select(vm => (JsonNode)new JsonObject { ["vm"] = vm.Name, ["code"] = vm.Reasons[0].Code, ["reason"] = vm.Reasons[0].Message }),
        ]),
    };

    public static string Listed(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(MostNamed)) + (names.Count > MostNamed ? $" and {names.Count - MostNamed} more" : "");

    private static bool IsGoing(Evacuee vm) => vm.State is not (EvacueeState.Staying or EvacueeState.Blocked);
}
