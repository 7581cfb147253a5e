using Lamina.Linux.Network;

namespace Lamina.Server.Networks.Firewall;

/// <summary>How fast each card may receive, kept on the taps that are there; a tap that is made later is paced as it is made.</summary>
internal sealed class NicPaces(string instance, Netlink netlink) : IDisposable
{
    private readonly LinkPaces _paces = new();

    /// <summary>By the tap's index: a tap that was made anew has another one. Null: not looked at since the daemon started.</summary>
    private Dictionary<int, LinkPace>? _present;

    /// <param name="nics">All cards with a pace; every other tap of the instance that has one loses it.</param>
    public void Apply(IReadOnlyList<FilteredNic> nics)
    {
        var wanted = nics.Where(nic => nic.InboundKbps is not null).ToDictionary(nic => nic.Tap, nic => PaceOf(nic.InboundKbps!.Value), StringComparer.Ordinal);
        if (wanted.Count == 0 && _present is { Count: 0 }) return;
        var ours = netlink.ListLinks().Where(link => LinkOwner.Parse(link.Alias ?? "")?.Instance == instance).ToDictionary(link => link.Index);
        _present = (_present ?? _paces.List()).Where(pace => ours.ContainsKey(pace.Key)).ToDictionary();
        foreach (var link in ours.Values) Apply(link, wanted.GetValueOrDefault(link.Name));
    }

    public void ApplyTo(string tap, int? kbps)
    {
        if (kbps is not null && netlink.FindLink(tap) is { } link) Apply(link, PaceOf(kbps.Value));
    }

    /// <summary>A quarter of a second waits at most; what may leave at once is two frames that the card splits (GSO), or 5 ms.</summary>
    public static LinkPace PaceOf(int kbps)
    {
        var bytesPerSecond = kbps * 125L;
        var burst = (int)Math.Clamp(bytesPerSecond / 200, 128 * 1024, 8 << 20);
        return new(bytesPerSecond, burst, (int)Math.Clamp(bytesPerSecond / 4, 2L * burst, 64L << 20));
    }

    public void Dispose() => _paces.Dispose();

    private void Apply(Link link, LinkPace? wanted)
    {
        var present = _present ??= [];
        if (present.GetValueOrDefault(link.Index) is var known && known?.BytesPerSecond == wanted?.BytesPerSecond) return;
        if (wanted is null) _paces.Remove(link.Index);
        else _paces.Set(link.Index, wanted);
        if (wanted is null) present.Remove(link.Index);
        else present[link.Index] = wanted;
    }
}
