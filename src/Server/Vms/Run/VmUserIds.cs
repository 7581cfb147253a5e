namespace Lamina.Server.Vms.Run;

/// <summary>One uid per running VM and host (decision 9): guests are strangers to each other also as processes.</summary>
internal sealed class VmUserIds(IReadOnlyList<int> range)
{
    private readonly Lock _gate = new();
    private readonly HashSet<int> _taken = [];

    /// <exception cref="ProblemException">As many VMs run as there are uids.</exception>
    public int Take()
    {
        lock (_gate)
        {
            foreach (int id in range)
            {
                if (_taken.Add(id)) return id;
            }
        }

        throw new ProblemException(ProblemKind.Unavailable, "host.noUserId", $"{range.Count} VMs run on this host, and each needs a user id of its own.", "Stop some first.");
    }

    /// <summary>Marks the uid of a VM that an earlier daemon started.</summary>
    public void Keep(int id)
    {
        lock (_gate) _taken.Add(id);
    }

    public void Release(int id)
    {
        lock (_gate) _taken.Remove(id);
    }
}
