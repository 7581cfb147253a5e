using System.Buffers.Text;
using System.Security.Cryptography;
using Lamina.Api;

namespace Lamina.Server.Consoles;

/// <summary>
/// Tickets that open a console once, within seconds. They live in memory only: a restart of the daemon ends consoles anyhow. Their number is
/// bounded, and looking one up spends it, whatever it is shown for.
/// </summary>
internal sealed class ConsoleTickets(TimeProvider time)
{
    public const int Capacity = 1000;
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (ConsoleGrant Grant, long IssuedAt)> _tickets = new(StringComparer.Ordinal);

    /// <exception cref="ProblemException">429: too many are open and unused.</exception>
    public string Issue(ConsoleGrant grant)
    {
        string ticket = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        lock (_gate)
        {
            if (_tickets.Count >= Capacity) RemoveExpired();
            if (_tickets.Count >= Capacity) throw new ProblemException(
                ProblemKind.TooManyRequests, "console.tooManyTickets", $"{Capacity} console tickets wait to be used.", "Try again in a few seconds.");
            _tickets.Add(ticket, (grant, time.GetTimestamp()));
        }

        return ticket;
    }

    /// <summary>Null: there is no such ticket (any more), or it is for another VM or kind. It is spent in each case.</summary>
    public ConsoleGrant? Redeem(string? ticket, string vmId, ConsoleKind kind)
    {
        lock (_gate)
        {
            if (ticket is null || !_tickets.Remove(ticket, out var found)) return null;
            return !IsExpired(found.IssuedAt) && found.Grant.VmId == vmId && found.Grant.Kind == kind ? found.Grant : null;
        }
    }

    private bool IsExpired(long issuedAt) => time.GetElapsedTime(issuedAt) >= Lifetime;

    private void RemoveExpired()
    {
        foreach (string ticket in _tickets.Where(ticket => IsExpired(ticket.Value.IssuedAt)).Select(ticket => ticket.Key).ToArray()) _tickets.Remove(ticket);
    }
}
