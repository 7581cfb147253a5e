using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Processes;

/// <summary>A process that we started, or one that an earlier run of the daemon started and that was found again. It outlives this object.</summary>
public sealed class ChildProcess : IDisposable
{
    private readonly SafeFileHandle pidfd;

    internal ChildProcess(ProcessIdentity identity, SafeFileHandle pidfd)
    {
        Identity = identity;
        this.pidfd = pidfd;
    }

    public ProcessIdentity Identity { get; }

    public int ProcessId => Identity.ProcessId;

    /// <summary>Starts a program; it runs when this returns.</summary>
    /// <exception cref="LinuxException">It could not be started: not installed, no such folder, no right to a cgroup…</exception>
    public static ChildProcess Spawn(ChildSpec spec) => throw new NotImplementedException();

    /// <summary>Takes up a process by its identity, or null when it is gone.</summary>
    public static ChildProcess? Adopt(ProcessIdentity identity) => throw new NotImplementedException();

    /// <summary>What was kept of its standard output so far.</summary>
    public byte[] StandardOutput => throw new NotImplementedException();

    /// <summary>What was kept of its standard error so far.</summary>
    public byte[] StandardError => throw new NotImplementedException();

    /// <summary>Ends when the process ended. Its outputs are complete then.</summary>
    public Task<ChildExit> WaitForExitAsync(CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Sends a signal; can never hit another process.</summary>
    /// <returns>False when it has ended already.</returns>
    public bool Send(int signal) => throw new NotImplementedException();

    /// <summary>Sends a signal to the whole process group of a child started with NewSession.</summary>
    public bool SendToGroup(int signal) => throw new NotImplementedException();

    public void Dispose() => pidfd.Dispose();
}
