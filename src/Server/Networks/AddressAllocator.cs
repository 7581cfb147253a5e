namespace Lamina.Server.Networks;

/// <summary>
/// Chooses addresses and MACs for new cards (pure but for the dice). The claims <c>addresses/…</c> and <c>macs/…</c>, created absent in the same
/// transaction, make the choice certain; who loses that race decides anew.
/// </summary>
internal static class AddressAllocator
{
    /// <summary>Guests get addresses from here on, so that a person has some to give by hand.</summary>
    private const int FirstGuest = 8;

    /// <summary>The lowest free address of a guest; null: the network, or the range in it, is full.</summary>
    /// <param name="subnet">The network's.</param>
    /// <param name="range">Where to look; null: everywhere, the low ones that are kept for people last.</param>
    /// <param name="isTaken">Asked for each.</param>
    public static string? NextFree(Subnet subnet, DhcpRange? range, Func<string, bool> isTaken)
    {
        var (first, count) = range is { } within ? (within.First, within.Count) : (FirstGuest, subnet.GuestCount);
        for (int offset = 0; offset < count; offset++)
        {
            string address = subnet.Guest((offset + first) % subnet.GuestCount);
            if (!isTaken(address)) return address;
        }

        return null;
    }

    /// <summary>A locally used MAC with QEMU's prefix 52:54:00 that nobody has.</summary>
    public static string DrawMac(Random dice, Func<string, bool> isTaken)
    {
        while (true)
        {
            int low = dice.Next(1 << 24);
            string mac = $"52:54:00:{low >> 16:x2}:{(low >> 8) & 0xff:x2}:{low & 0xff:x2}";
            if (!isTaken(mac)) return mac;
        }
    }

    /// <summary>The MAC in lower case with colons; null: it is none that a card may have (a group address, all zeros).</summary>
    public static string? NormalizeMac(string text)
    {
        string[] parts = text.ToLowerInvariant().Split(text.Contains('-', StringComparison.Ordinal) ? '-' : ':');
        if (parts.Length != 6 || parts.Any(part => part.Length != 2 || !part.All(char.IsAsciiHexDigitLower))) return null;
        bool isGroup = (Convert.ToByte(parts[0], 16) & 1) == 1;
        return isGroup || parts.All(part => part == "00") ? null : string.Join(':', parts);
    }
}
