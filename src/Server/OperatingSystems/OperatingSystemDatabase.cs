using System.Xml;

namespace Lamina.Server.OperatingSystems;

/// <summary>
/// The package osinfo-db on this host, and Lamina's supplement: read whole at the first question, which takes a fraction of a second, and kept. A file
/// that cannot be read is passed over; without the package the supplement alone is known.
/// </summary>
/// <param name="folder">Of the database, such as <c>/usr/share/osinfo</c>.</param>
/// <param name="logger">Told what could not be read.</param>
internal sealed partial class OperatingSystemDatabase(string folder, ILogger<OperatingSystemDatabase> logger)
{
    /// <summary>Where Debian's package osinfo-db puts it.</summary>
    public const string DefaultFolder = "/usr/share/osinfo";

    private const string Supplement = "operating-systems.xml";

    private readonly Lock _gate = new();
    private OperatingSystemCatalogue? _catalogue;

    public OperatingSystemCatalogue Catalogue
    {
        get
        {
            lock (_gate) return _catalogue ??= OperatingSystemCatalogue.Of([.. Installed(), .. Supplemented()]);
        }
    }

    /// <summary>Lamina's own facts; each bears its source.</summary>
    public static IReadOnlyList<OsinfoEntry> Supplemented()
    {
        using var stream = typeof(OperatingSystemDatabase).Assembly.GetManifestResourceStream(Supplement)
            ?? throw new InvalidOperationException($"The resource {Supplement} is missing from the build.");
        return OsinfoParser.Parse(stream);
    }

    private List<OsinfoEntry> Installed()
    {
        string systems = Path.Combine(folder, "os");
        if (!Directory.Exists(systems)) return [];
        var entries = new List<OsinfoEntry>();
        foreach (string file in Directory.EnumerateFiles(systems, "*.xml", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            try
            {
                using var stream = File.OpenRead(file);
                entries.AddRange(OsinfoParser.Parse(stream));
            }
            catch (Exception unreadable) when (unreadable is XmlException or IOException or UnauthorizedAccessException)
            {
                LogUnreadable(logger, file, unreadable.Message);
            }
        }

        return entries;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{File} of the database of operating systems cannot be read: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string file, string reason);
}
