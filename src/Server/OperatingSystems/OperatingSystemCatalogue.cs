using System.Text.RegularExpressions;
using Lamina.Api;

namespace Lamina.Server.OperatingSystems;

/// <summary>All operating systems that are known, by short id; and which of them a medium is of. Immutable.</summary>
internal sealed class OperatingSystemCatalogue
{
    /// <summary>A medium's own words are matched; time without end is none of its rights.</summary>
    private static readonly TimeSpan MatchPatience = TimeSpan.FromMilliseconds(100);

    /// <summary>Longer than any chain of descent; a circle ends here.</summary>
    private const int MostAncestors = 64;

    private readonly Dictionary<string, GuestOperatingSystem> _byId = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<(GuestOperatingSystem System, OsinfoMedium Medium)> _media = [];

    private OperatingSystemCatalogue()
    {
    }

    public static OperatingSystemCatalogue Empty { get; } = new();

    /// <summary>In the order of ids, each once.</summary>
    public IReadOnlyList<GuestOperatingSystem> All { get; private set; } = [];

    /// <param name="entries">A later one of the same URL adds to and corrects the earlier.</param>
    public static OperatingSystemCatalogue Of(IEnumerable<OsinfoEntry> entries)
    {
        var byUrl = new Dictionary<string, OsinfoEntry>(StringComparer.Ordinal);
        foreach (var entry in entries) byUrl[entry.Url] = byUrl.TryGetValue(entry.Url, out var known) ? known.With(entry) : entry;
        var catalogue = new OperatingSystemCatalogue();
        foreach (var entry in byUrl.Values.Where(entry => entry.ShortIds.Count > 0))
        {
            var system = OperatingSystemAdvisor.Advise(entry, DevicesOf(entry, byUrl));
            foreach (string id in entry.ShortIds) catalogue._byId.TryAdd(id, system);
            catalogue._media.AddRange(entry.Media.Select(medium => (system, medium)));
        }

        catalogue.All = [.. catalogue._byId.Values.Distinct().OrderBy(system => system.Id, StringComparer.Ordinal)];
        // Several may claim a medium (Windows 10 and 11 label theirs alike): the newest is asked first.
        catalogue._media.Sort((left, right) => Nullable.Compare(right.System.Released, left.System.Released) is not 0 and var order
            ? order
            : string.CompareOrdinal(left.System.Id, right.System.Id));
        return catalogue;
    }

    public GuestOperatingSystem? Find(string id) => _byId.GetValueOrDefault(id);

    /// <summary>The ids nearest to a mistyped one, at most three.</summary>
    public IReadOnlyList<string> Near(string id) =>
        [.. _byId.Keys.Where(known => known.StartsWith(id[..Math.Min(3, id.Length)], StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal).TakeLast(3)];

    /// <summary>Of which system this medium is; null: nobody's that is known.</summary>
    public GuestOperatingSystem? Detect(IsoVolume volume)
    {
        foreach (var (system, medium) in _media)
        {
            if (Fits(medium.Volume, volume.Volume) && Fits(medium.System, volume.System) && Fits(medium.Publisher, volume.Publisher)
                && Fits(medium.Application, volume.Application)) return system;
        }

        return null;
    }

    // As libosinfo does it: anywhere in the text. Linear in its length whatever the pattern; the few patterns that cannot be done so are none of ours.
    private static bool Fits(string? pattern, string text)
    {
        if (pattern is null) return true;
        try
        {
            return Regex.IsMatch(text, pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, MatchPatience);
        }
        catch (Exception unfit) when (unfit is ArgumentException or NotSupportedException or RegexMatchTimeoutException)
        {
            return false;
        }
    }

    private static HashSet<string> DevicesOf(OsinfoEntry entry, Dictionary<string, OsinfoEntry> byUrl)
    {
        var told = new Dictionary<string, bool>(StringComparer.Ordinal);
        var queue = new Queue<OsinfoEntry>([entry]);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        // The nearest that tells of a device is right.
        while (queue.TryDequeue(out var next) && seen.Count < MostAncestors)
        {
            if (!seen.Add(next.Url)) continue;
            foreach (var (id, supported) in next.Devices) told.TryAdd(id, supported);
            foreach (string ancestor in next.Ancestors)
                if (byUrl.TryGetValue(ancestor, out var known)) queue.Enqueue(known);
        }

        return [.. told.Where(device => device.Value).Select(device => device.Key)];
    }
}
