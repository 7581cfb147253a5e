namespace Lamina.Server;

/// <summary>A wish of a room that the daemon begin anew: guests run on meanwhile, and requests under way are answered first.</summary>
internal sealed class DaemonRestart
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when somebody has asked.</summary>
    public Task Asked => _asked.Task;

    /// <summary>The process is to end, so that another program can follow.</summary>
    public bool InNewProcess { get; private set; }

    /// <summary>In this process, as it does for another store.</summary>
    public void Ask() => _asked.TrySetResult();

    /// <summary>By whoever supervises the daemon.</summary>
    public void AskNewProcess()
    {
        InNewProcess = true;
        Ask();
    }
}

/// <summary>The daemon cannot go on with its start, and is to begin anew: what it would have opened is no longer its own.</summary>
internal sealed class DaemonRestartException() : Exception("The daemon begins anew.");
