namespace Lamina.Server;

/// <summary>A wish of a room that the daemon begin anew in this process, as it does for another store: guests run on meanwhile, and requests under way are answered first.</summary>
internal sealed class DaemonRestart
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when somebody has asked.</summary>
    public Task Asked => _asked.Task;

    public void Ask() => _asked.TrySetResult();
}

/// <summary>The daemon cannot go on with its start, and is to begin anew: what it would have opened is no longer its own.</summary>
internal sealed class DaemonRestartException() : Exception("The daemon begins anew.");
