namespace Lamina.Server.Networks;

/// <summary>From where new cards get their address, as <c>10.10.0.100-10.10.0.199</c>.</summary>
/// <param name="First">As <see cref="Subnet.Guest"/> counts.</param>
/// <param name="Count">How many.</param>
internal readonly record struct DhcpRange(int First, int Count)
{
    /// <summary>Null: not two guests' addresses of this subnet in their order.</summary>
    public static DhcpRange? Parse(string? text, Subnet subnet)
    {
        var ends = text?.Split('-') ?? [];
        if (ends.Length != 2 || !subnet.HoldsGuest(ends[0]) || !subnet.HoldsGuest(ends[1])) return null;
        var (first, last) = (subnet.NumberOf(ends[0]), subnet.NumberOf(ends[1]));
        return first <= last ? new((int)first - 2, (int)(last - first) + 1) : null;
    }
}
