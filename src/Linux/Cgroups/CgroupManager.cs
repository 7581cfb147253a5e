namespace Lamina.Linux.Cgroups;

/// <summary>
/// The cgroups of one instance of the daemon, one per VM: `lamina-&lt;instance&gt;/&lt;name&gt;`. Three kinds exist: cgroup v1 (one folder per
/// controller), cgroup v2, and scopes of systemd where it runs, since there the tree is systemd's.
/// </summary>
public abstract class CgroupManager
{
    /// <summary>Chooses the kind that this machine has.</summary>
    /// <param name="parent">The folder of the instance: "lamina-0".</param>
    public static CgroupManager Detect(string parent) => throw new NotImplementedException();

    /// <summary>
    /// Makes the cgroup with these limits (systemd: when the child starts). One that exists, empty, is taken over.
    /// </summary>
    /// <exception cref="LinuxException">EBUSY: it has members.</exception>
    public abstract CgroupPlacement Create(string name, CgroupLimits limits);

    /// <summary>Changes the limits of a running cgroup.</summary>
    public abstract void SetLimits(string name, CgroupLimits limits);

    /// <summary>The pids inside; empty as well when there is no such cgroup.</summary>
    public abstract IReadOnlyList<int> ReadMembers(string name);

    /// <summary>Dead means an empty cgroup: silence of QMP never does.</summary>
    public bool IsEmpty(string name) => ReadMembers(name).Count == 0;

    /// <summary>Kills every member and waits until the cgroup is empty.</summary>
    /// <exception cref="TimeoutException">A member did not die in time, for example in uninterruptible sleep.</exception>
    public abstract Task KillAllAsync(string name, TimeSpan timeout, CancellationToken cancellation);

    /// <summary>Removes an empty cgroup; one that is not there is fine.</summary>
    /// <exception cref="LinuxException">EBUSY: it has members.</exception>
    public abstract void Remove(string name);

    /// <summary>All cgroups of this instance.</summary>
    public abstract IReadOnlyList<CgroupListing> List();

    public abstract CgroupUsage ReadUsage(string name);
}
