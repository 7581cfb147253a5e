namespace Lamina.Server.Disks;

/// <summary>
/// Keeps those who read a disk's frozen layers for long (clones, exports) apart from those who change its tree (merging, deleting a snapshot's layer),
/// in this daemon: a merge writes into the file of a frozen layer. Making a new layer on top needs no leave. Order for whoever needs both: first
/// borrow the VM, then pass the gate.
/// </summary>
internal sealed class LayerGate
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _readers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private TaskCompletionSource _left = New();

    /// <summary>Waits until nobody changes the layers of these disks; until it is disposed nobody does. Others may read too.</summary>
    public Task<IDisposable> ReadAsync(IReadOnlyCollection<string> diskIds, CancellationToken cancellation) => EnterAsync(diskIds, change: false, cancellation);

    /// <summary>Waits until nobody reads or changes the layers of these disks; until it is disposed nobody does. What stands in the records is to be read after it.</summary>
    public Task<IDisposable> ChangeAsync(IReadOnlyCollection<string> diskIds, CancellationToken cancellation) => EnterAsync(diskIds, change: true, cancellation);

    private async Task<IDisposable> EnterAsync(IReadOnlyCollection<string> diskIds, bool change, CancellationToken cancellation)
    {
        string[] disks = [.. diskIds.Distinct(StringComparer.Ordinal)];
        while (true)
        {
            Task left;
            lock (_lock)
            {
                if (!disks.Any(disk => _changed.Contains(disk) || (change && _readers.ContainsKey(disk))))
                {
                    foreach (string disk in disks) Take(disk, change);
                    return new Pass(this, disks, change);
                }

                left = _left.Task;
            }

            await left.WaitAsync(cancellation);
        }
    }

    private void Take(string disk, bool change)
    {
        if (change) _changed.Add(disk);
        else _readers[disk] = _readers.GetValueOrDefault(disk) + 1;
    }

    private void Leave(string[] disks, bool change)
    {
        TaskCompletionSource left;
        lock (_lock)
        {
            foreach (string disk in disks)
            {
                if (change) _changed.Remove(disk);
                else if (--_readers[disk] == 0) _readers.Remove(disk);
            }

            left = _left;
            _left = New();
        }

        left.TrySetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Pass(LayerGate gate, string[] disks, bool change) : IDisposable
    {
        private bool _over;

        public void Dispose()
        {
            if (_over) return;
            _over = true;
            gate.Leave(disks, change);
        }
    }
}
