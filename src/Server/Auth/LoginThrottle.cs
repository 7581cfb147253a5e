using System.Net;
using System.Net.Sockets;

namespace Lamina.Server.Auth;

/// <summary>
/// Slows guessing down: after some free failures, each failed log-in of a user or from an address doubles the wait before the next attempt.
/// A user's wait stays short, so that strangers cannot lock a person out for long; an address's grows long. Memory is bounded, and when it
/// is full the entries whose wait ends first are forgotten.
/// </summary>
/// <remarks>Users that do not exist are counted as those that do, so that the answers tell nothing about them.</remarks>
internal sealed class LoginThrottle(TimeProvider time)
{
    public const int Capacity = 10_000;
    public const int FreeFailuresOfUser = 3;

    /// <summary>Several people may share an address.</summary>
    public const int FreeFailuresOfAddress = 10;

    public static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan LongestUserWait = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan LongestAddressWait = TimeSpan.FromMinutes(15);
    public static readonly TimeSpan Memory = TimeSpan.FromMinutes(15);

    // Waits run on the daemon's own clock: one that is set back must lock nobody out.
    private readonly long _began = time.GetTimestamp();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>How many users and addresses are remembered.</summary>
    public int Remembered
    {
        get
        {
            lock (_gate) return _entries.Count;
        }
    }

    /// <summary>
    /// Begins an attempt. It counts as failed until <see cref="Succeeded"/>, so that many at the same moment gain nothing.
    /// </summary>
    /// <returns>Zero: go on. Else how long to wait first; such a refusal does not make the wait longer.</returns>
    public TimeSpan Begin(string user, IPAddress? address)
    {
        var now = time.GetElapsedTime(_began);
        var keys = Keys(user, address);
        lock (_gate)
        {
            var until = keys.Max(key => _entries.GetValueOrDefault(key.Name).BlockedUntil);
            if (until > now) return until - now;
            foreach (var key in keys) Count(key, now);
            return TimeSpan.Zero;
        }
    }

    /// <summary>Forgets the user's failures; of the address only this attempt, or one good account would hide guesses at others.</summary>
    public void Succeeded(string user, IPAddress? address)
    {
        lock (_gate)
        {
            _entries.Remove(UserKey(user));
            if (address is null || !_entries.TryGetValue(AddressKey(address), out var entry)) return;
            _entries[AddressKey(address)] = entry with { Failures = entry.Failures - 1, BlockedUntil = default };
        }
    }

    internal static TimeSpan Wait(int failures, int free, TimeSpan longest)
    {
        if (failures <= free) return TimeSpan.Zero;
        double seconds = FirstWait.TotalSeconds * Math.Pow(2, Math.Min(failures - free - 1, 30));
        return TimeSpan.FromSeconds(Math.Min(seconds, longest.TotalSeconds));
    }

    private void Count(Key key, TimeSpan now)
    {
        var before = _entries.GetValueOrDefault(key.Name);
        int failures = before.ForgottenAt > now ? before.Failures + 1 : 1;
        var until = now + Wait(failures, key.Free, key.Longest);
        if (!_entries.ContainsKey(key.Name)) MakeRoom(now);
        _entries[key.Name] = new Entry(failures, until, until + Memory);
    }

    private static Key[] Keys(string user, IPAddress? address)
    {
        var ofUser = new Key(UserKey(user), FreeFailuresOfUser, LongestUserWait);
        return address is null ? [ofUser] : [ofUser, new Key(AddressKey(address), FreeFailuresOfAddress, LongestAddressWait)];
    }

    // The length is bounded, since the name comes from outside.
    private static string UserKey(string user) => $"user:{(user.Length > 64 ? user[..64] : user)}";

    /// <summary>Whoever has one IPv6 address has its whole /64.</summary>
    private static string AddressKey(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return $"address:{address}";
        return $"address:{Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8))}";
    }

    private void MakeRoom(TimeSpan now)
    {
        if (_entries.Count < Capacity) return;
        string[] forgotten = [.. _entries.Where(entry => entry.Value.ForgottenAt <= now).Select(entry => entry.Key)];
        if (forgotten.Length == 0) forgotten = [.. _entries.OrderBy(entry => entry.Value.BlockedUntil).Take(Capacity / 10).Select(entry => entry.Key)];
        foreach (string key in forgotten) _entries.Remove(key);
    }

    private readonly record struct Key(string Name, int Free, TimeSpan Longest);

    /// <summary>Times since the beginning.</summary>
    private readonly record struct Entry(int Failures, TimeSpan BlockedUntil, TimeSpan ForgottenAt);
}
