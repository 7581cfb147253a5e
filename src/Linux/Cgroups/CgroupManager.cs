using Lamina.Linux.Processes;

namespace Lamina.Linux.Cgroups;

/// <summary>
/// The cgroups of one instance of the daemon, one per VM: `lamina-&lt;instance&gt;/&lt;name&gt;`. Three kinds exist: cgroup v1 (one folder per
/// controller), cgroup v2, and scopes of systemd where it runs, since there the tree is systemd's.
/// </summary>
public abstract class CgroupManager
{
    private static readonly TimeSpan RemovalPatience = TimeSpan.FromSeconds(2);

    /// <summary>Chooses the kind that this machine has.</summary>
    /// <param name="parent">The folder of the instance: "lamina-0".</param>
    public static CgroupManager Detect(string parent)
    {
        var mounts = CgroupMounts.Read();
        if (!mounts.HasUsableV2) return new CgroupsV1(mounts, parent);
        return Directory.Exists("/run/systemd/system") ? new SystemdScopes(mounts.V2Root!, parent) : new CgroupsV2(mounts.V2Root!, parent);
    }

    /// <summary>Makes the cgroup with these limits (systemd: when the child starts). One that exists, empty, is taken over.</summary>
    /// <exception cref="LinuxException">EBUSY: it has members.</exception>
    public CgroupPlacement Create(string name, CgroupLimits limits)
    {
        if (!IsEmpty(name)) throw new LinuxException($"create the cgroup {name}", Errno.Busy, "processes of an earlier run are in it");
        CrashPoints.Reached("cgroup", "create", "before");
        var placement = CreateEmpty(name, limits);
        CrashPoints.Reached("cgroup", "create", "after");
        return placement;
    }

    /// <summary>Puts a further child into a cgroup; where systemd runs, one in which a child is already.</summary>
    public abstract CgroupPlacement Join(string name);

    /// <summary>Changes the limits of a cgroup, at once.</summary>
    public abstract Task SetLimitsAsync(string name, CgroupLimits limits, CancellationToken cancellation);

    /// <summary>The pids inside; none as well when there is no such cgroup.</summary>
    public IReadOnlyList<int> ReadMembers(string name)
    {
        // While a child is being born in a cgroup v1, one thread of ours is inside. It must never count, nor be killed.
        return [.. ReadProcesses(name).Where(processId => processId != Environment.ProcessId)];
    }

    /// <summary>Dead means an empty cgroup: silence of QMP never does.</summary>
    public bool IsEmpty(string name) => ReadMembers(name).Count == 0;

    /// <summary>Kills every member and waits until the cgroup is empty.</summary>
    /// <exception cref="TimeoutException">A member did not die in time, for example in uninterruptible sleep.</exception>
    public async Task KillAllAsync(string name, TimeSpan timeout, CancellationToken cancellation)
    {
        CrashPoints.Reached("cgroup", "kill", "before");
        using var deadline = new CancellationTokenSource(timeout, BootTimeProvider.Shared);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            for (var members = ReadMembers(name); members.Count > 0; members = ReadMembers(name))
            {
                SignalAll(name, members);
                foreach (var member in members) await EndOfAsync(member, either.Token).ConfigureAwait(false);
            }

            CrashPoints.Reached("cgroup", "kill", "after");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"processes {string.Join(", ", ReadMembers(name))} of cgroup {name} did not die in {timeout.TotalSeconds:0.#} s");
        }
    }

    /// <summary>Removes an empty cgroup; one that is not there is fine.</summary>
    /// <exception cref="IOException">It has members.</exception>
    public async Task RemoveAsync(string name, CancellationToken cancellation)
    {
        CrashPoints.Reached("cgroup", "remove", "before");
        using var deadline = new CancellationTokenSource(RemovalPatience, BootTimeProvider.Shared);
        while (true)
        {
            try
            {
                RemoveEmpty(name);
                CrashPoints.Reached("cgroup", "remove", "after");
                return;
            }
            catch (IOException) when (IsEmpty(name) && !deadline.IsCancellationRequested)
            {
                // A process that ended leaves the lists a moment before the kernel lets go of the folder, and it tells nobody.
                await Task.Delay(TimeSpan.FromMilliseconds(2), BootTimeProvider.Shared, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>All cgroups of this instance.</summary>
    public IReadOnlyList<CgroupListing> List() => [.. ListNames().Select(name => new CgroupListing(name, IsEmpty(name)))];

    public abstract CgroupUsage ReadUsage(string name);

    private protected abstract CgroupPlacement CreateEmpty(string name, CgroupLimits limits);

    private protected abstract IReadOnlyList<int> ReadProcesses(string name);

    private protected abstract void SignalAll(string name, IReadOnlyList<int> members);

    private protected abstract void RemoveEmpty(string name);

    private protected abstract IEnumerable<string> ListNames();

    private static async Task EndOfAsync(int processId, CancellationToken cancellation)
    {
        using var process = Pidfd.TryOpen(processId);
        if (process is not null) await EventLoop.Shared.WaitAsync(process, Readiness.Read, cancellation).ConfigureAwait(false);
    }
}
