namespace Lamina.Server.Vms;

/// <summary>One uid per running VM and host (decision 9): guests are strangers to each other also as processes.</summary>
internal sealed class VmUserIds(int first, int count)
{
    private readonly Lock _gate = new();
    private readonly HashSet<int> _taken = [];

    /// <exception cref="ProblemException">As many VMs run as there are uids.</exception>
    public int Take()
    {
        lock (_gate)
        {
            for (int id = first; id < first + count; id++)
            {
                if (_taken.Add(id)) return id;
            }
        }

        throw new ProblemException(ProblemKind.Unavailable, "host.noUserId", $"{count} VMs run on this host, and each needs a user id of its own.", "Stop some first.");
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
