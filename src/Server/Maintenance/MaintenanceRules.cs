using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;

namespace Lamina.Server.Maintenance;

/// <summary>When a host may be emptied (pure).</summary>
internal static class MaintenanceRules
{
    private const int LongestReason = 200;

    /// <exception cref="ProblemException">It is being emptied or filled already.</exception>
    /// <exception cref="InputException">All that stands in the way of the guests that run there.</exception>
    public static void CheckLeave(CacheSnapshot snapshot, CachedRecord<HostSpec> host, bool withStorage, bool skipBlocked, DateTimeOffset now)
    {
        if (OpenJob(snapshot, host.Id) is { } open) throw ProblemException.Conflict(
            "host.evacuating", $"Host '{host.Record.Name}' is at {open.Kind} already.", $"Follow it: lamina operation show {open.Operation}; or end it: lamina operation cancel {open.Operation}.");
        if (skipBlocked) return;
        var blocked = EvacuationForecasts.Of(snapshot, host, withStorage, now).Blocked;
        if (blocked.Count > 0) throw new InputException(
        [
            .. blocked.SelectMany(vm => vm.Reasons.Select(reason => new InputProblem
            {
                Path = "$", Code = reason.Code, Message = reason.Remedy is { } remedy ? $"{reason.Message} {remedy}" : reason.Message,
            })),
        ]);
    }

    /// <exception cref="ProblemException">There is nothing to leave.</exception>
    public static HostMaintenance CheckExit(CachedRecord<HostSpec> host) => host.Record.Maintenance ?? throw ProblemException.Conflict(
        "host.notInMaintenance", $"Host '{host.Record.Name}' is not in maintenance.", "See: lamina host list.");

    /// <exception cref="InputException">Every problem, with its path.</exception>
    public static void CheckReason(string? reason)
    {
        var problems = new InputProblems();
        if (reason?.Length > LongestReason) problems.Add("$.reason", "value.long", $"Use at most {LongestReason} characters.");
        problems.ThrowIfAny();
    }

    public static EvacuationJob? OpenJob(CacheSnapshot snapshot, string hostId) => EvacuationJob.Open(snapshot).FirstOrDefault(job => job.Host == hostId);
}
