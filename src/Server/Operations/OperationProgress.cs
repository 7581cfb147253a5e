using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Operations;

/// <summary>How an operation's state moves on; pure.</summary>
internal static class OperationProgress
{
    public const int LogLines = 200;

    /// <summary>A record holds at most 64 KiB: 200 lines of this length fit with room to spare.</summary>
    public const int LineLength = 240;

    public static OperationState Started(OperationState? before, DateTimeOffset now, bool cancellable) =>
        (before ?? new OperationState { Phase = OperationPhase.Running }) with
        {
            Phase = OperationPhase.Running,
            StartedAt = before?.StartedAt ?? now,
            Cancellable = cancellable,
        };

    public static OperationState Reported(OperationState before, int? percent, string message) => before with
    {
        ProgressPercent = percent is { } value ? Math.Clamp(value, 0, 100) : null,
        Message = Shorten(message),
    };

    public static OperationState Logged(OperationState before, string line) => before with
    {
        Log = [.. before.Log.Skip(Math.Max(0, before.Log.Count + 1 - LogLines)), Shorten(line)],
    };

    public static OperationState StepBegun(OperationState before, string step) => before with { Steps = [.. before.Steps, step] };

    public static OperationState Ended(OperationState before, OperationOutcome outcome, DateTimeOffset now) => before with
    {
        Phase = outcome.Phase,
        EndedAt = now,
        Cancellable = false,
        ProgressPercent = outcome.Phase == OperationPhase.Succeeded ? 100 : before.ProgressPercent,
        Failure = outcome.Failure,
        Result = outcome.Result,
    };

    /// <summary>What is worth a write at once, and what may wait 2 s (decision 14).</summary>
    public static StatusDifference Compare(OperationState? written, OperationState state)
    {
        if (written is null || written.Phase != state.Phase || written.Cancellable != state.Cancellable) return StatusDifference.Meaning;
        return ReferenceEquals(written, state) ? StatusDifference.None : StatusDifference.Figures;
    }

    private static string Shorten(string text) => text.Length <= LineLength ? text : string.Concat(text.AsSpan(0, LineLength - 1), "…");
}
