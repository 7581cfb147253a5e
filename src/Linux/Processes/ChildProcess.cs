using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Processes;

/// <summary>A process that we started, or one that an earlier run of the daemon started and that was found again. It outlives this object.</summary>
public sealed class ChildProcess : IDisposable
{
    private readonly Lock gate = new();
    private readonly SafeFileHandle pidfd;
    private readonly SpawnedChild? spawned;
    private readonly bool killGroupAtEnd;
    private readonly Task<ChildExit> exit;
    private bool collected;

    private ChildProcess(ProcessIdentity identity, SafeFileHandle pidfd, SpawnedChild? spawned, bool killGroupAtEnd)
    {
        Identity = identity;
        this.pidfd = pidfd;
        this.spawned = spawned;
        this.killGroupAtEnd = killGroupAtEnd;
        exit = WatchAsync();
    }

    public ProcessIdentity Identity { get; }

    public int ProcessId => Identity.ProcessId;

    /// <summary>What was kept of its standard output so far.</summary>
    public byte[] StandardOutput => spawned?.Output?.Kept ?? [];

    /// <summary>What was kept of its standard error so far.</summary>
    public byte[] StandardError => spawned?.Error?.Kept ?? [];

    /// <summary>Starts a program; it runs when this returns. Blocks for about a millisecond.</summary>
    /// <exception cref="LinuxException">It could not be started: not installed, no such folder, no right to a cgroup…</exception>
    public static ChildProcess Spawn(ChildSpec spec)
    {
        CrashPoints.Reached("spawn", Path.GetFileName(spec.Program), "before");
        var spawned = SpawnedChild.Start(spec);
        CrashPoints.Reached("spawn", Path.GetFileName(spec.Program), "after");
        return new(spawned.Identity, spawned.Pidfd, spawned, spec.KillGroupAtEnd && spec.NewSession);
    }

    /// <summary>Takes up a process by its identity, or null when it is gone.</summary>
    public static ChildProcess? Adopt(ProcessIdentity identity)
    {
        var pidfd = Pidfd.TryOpen(identity.ProcessId);
        if (pidfd is null) return null;

        // Looked at after the open: if the identity fits now, the descriptor is of this very process.
        if (identity.IsRunning()) return new(identity, pidfd, spawned: null, killGroupAtEnd: false);
        pidfd.Dispose();
        return null;
    }

    /// <summary>Ends when the process ended; what it wrote before is in the outputs then.</summary>
    public Task<ChildExit> WaitForExitAsync(CancellationToken cancellation) => exit.WaitAsync(cancellation);

    /// <summary>Sends a signal; it can never hit another process.</summary>
    /// <returns>False when it has ended already.</returns>
    public bool Send(int signal) => !exit.IsCompleted && Pidfd.Send(pidfd, signal);

    /// <summary>Asks it to end; when it has not until then, kills it. Returns when it has ended.</summary>
    /// <param name="patience">How long it may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Gives up waiting; the process was told.</param>
    public async Task EndAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellation)
    {
        Send(Signal.Terminate);
        try
        {
            await WaitForExitAsync(cancellation).WaitAsync(patience, time, cancellation);
        }
        catch (TimeoutException)
        {
            Send(Signal.Kill);
            await WaitForExitAsync(cancellation);
        }
    }

    /// <summary>Sends a signal to the whole process group of a child that we started (an adopted process is ended by its cgroup).</summary>
    /// <returns>False when it has ended already.</returns>
    public bool SendToGroup(int signal)
    {
        if (spawned is null) throw new InvalidOperationException("the group of an adopted process may be another one by now");
        lock (gate) return !collected && Libc.kill(-ProcessId, signal) == 0;
    }

    /// <summary>Lets go of the process, which runs on, and is still collected when it ends. Its outputs are not read any more.</summary>
    public void Dispose()
    {
        pidfd.Dispose();
        spawned?.StopCapturing();
    }

    private async Task<ChildExit> WatchAsync()
    {
        await EventLoop.Shared.WaitAsync(pidfd, Readiness.Read, CancellationToken.None).ConfigureAwait(false);
        if (spawned is null) return ChildExit.Unknown;
        var how = Collect();
        await spawned.FinishCapturingAsync().ConfigureAwait(false);
        return how;
    }

    /// <summary>Until it is collected, the pid and the number of its group cannot be given to another process.</summary>
    private ChildExit Collect()
    {
        lock (gate)
        {
            if (killGroupAtEnd) _ = Libc.kill(-ProcessId, Signal.Kill);
            collected = true;
            return Pidfd.Collect(ProcessId);
        }
    }
}
