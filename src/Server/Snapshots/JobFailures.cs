using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Snapshots;

/// <summary>What the jobs of this room have in common.</summary>
internal static class JobFailures
{
    public static readonly TimeSpan UndoPatience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ContinuePatience = TimeSpan.FromSeconds(30);

    /// <summary>Twice its memory is written at most, and then what changed last; device state and page headers are small beside it.</summary>
    public static long MemoryRoomBytes(VmDefinition definition) => (definition.MemoryMiB + (long)definition.PluggedMemoryMiB) * (2L << 20) + (256L << 20);

    public static ProblemException Interrupted(string name, string what) => ProblemException.Conflict(
        "operation.interrupted", $"The daemon ended while a {what} of VM '{name}' was under way; it is undone, and the guest goes on.", "Ask for it again.");

    /// <summary>A guest that the job has halted goes on, through the gate; one that somebody had paused before stays so.</summary>
    public static async Task GoOnAsync(BorrowedVm vm, IVm running, bool wasRunning)
    {
        using var deadline = new CancellationTokenSource(ContinuePatience);
        var state = await running.QueryStateAsync(deadline.Token);
        if (wasRunning && state is RunState.Paused or RunState.PostMigrate or RunState.FinishMigrate) await vm.GoOnAsync(deadline.Token);
    }
}
