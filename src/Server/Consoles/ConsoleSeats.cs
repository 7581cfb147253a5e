using System.Collections.Concurrent;

namespace Lamina.Server.Consoles;

/// <summary>Counts who watches: each VM has a bounded number of open consoles.</summary>
internal sealed class ConsoleSeats
{
    public const int PerVm = 16;

    private readonly ConcurrentDictionary<string, int> _taken = new(StringComparer.Ordinal);

    /// <summary>Takes a seat until it is disposed.</summary>
    /// <exception cref="ProblemException">429: all are taken.</exception>
    public IDisposable Take(string vmId, string vmName)
    {
        if (_taken.AddOrUpdate(vmId, 1, static (_, taken) => taken + 1) <= PerVm) return new Seat(this, vmId);
        Leave(vmId);
        throw new ProblemException(
            ProblemKind.TooManyRequests, "console.tooMany", $"'{vmName}' already has {PerVm} open consoles.", "Close one of them.");
    }

    private void Leave(string vmId)
    {
        _taken.AddOrUpdate(vmId, 0, static (_, taken) => taken - 1);
        // Only if it is still zero; nothing is kept of VMs that nobody watches.
        _taken.TryRemove(KeyValuePair.Create(vmId, 0));
    }

    private sealed class Seat(ConsoleSeats seats, string vmId) : IDisposable
    {
        public void Dispose() => seats.Leave(vmId);
    }
}
