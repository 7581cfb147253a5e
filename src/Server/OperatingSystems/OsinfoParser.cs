using System.Globalization;
using System.Xml;
using Lamina.Api;

namespace Lamina.Server.OperatingSystems;

/// <summary>
/// Reads the database's XML (libosinfo's format, as osinfo-db and Lamina's supplement have it), as far as Lamina uses it: what is for x86-64.
/// Elements that it does not know are passed over.
/// </summary>
internal static class OsinfoParser
{
    private const int MiB = 1 << 20;
    private static readonly string[] Architectures = ["x86_64", "i686", "i586", "i486", "i386", "all"];

    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        IgnoreComments = true,
        IgnoreWhitespace = true,
        IgnoreProcessingInstructions = true,
        MaxCharactersInDocument = 4 * MiB,
    };

    /// <summary>Every <c>&lt;os&gt;</c> of a document.</summary>
    /// <exception cref="XmlException">It is no XML.</exception>
    public static IReadOnlyList<OsinfoEntry> Parse(Stream document)
    {
        using var reader = XmlReader.Create(document, Settings);
        var entries = new List<OsinfoEntry>();
        while (reader.ReadToFollowing("os"))
        {
            if (reader.GetAttribute("id") is { } id) entries.Add(ReadSystem(reader, id));
        }

        return entries;
    }

    private static OsinfoEntry ReadSystem(XmlReader reader, string id)
    {
        var entry = new OsinfoEntry { Url = id };
        var shortIds = new List<string>();
        var ancestors = new List<string>();
        var devices = new Dictionary<string, bool>(StringComparer.Ordinal);
        var firmware = new Dictionary<string, bool>(StringComparer.Ordinal);
        var media = new List<OsinfoMedium>();
        ForEachChild(reader, name =>
        {
            switch (name)
            {
                case "short-id": shortIds.Add(Text(reader)); break;
                case "name" when IsPlain(reader): entry = entry with { Name = Text(reader) }; break;
                case "vendor" when IsPlain(reader): entry = entry with { Vendor = Text(reader) }; break;
                case "version": entry = entry with { Version = Text(reader) }; break;
                case "family": entry = entry with { Family = Text(reader) }; break;
                case "release-date": entry = entry with { Released = Date(Text(reader)) }; break;
                case "eol-date": entry = entry with { EndOfLife = Date(Text(reader)) }; break;
                case "derives-from" or "clones" when reader.GetAttribute("id") is { } ancestor: ancestors.Add(ancestor); break;
                case "devices": ReadDevices(reader, devices); break;
                case "firmware" when IsOurs(reader) && reader.GetAttribute("type") is { } type: firmware[type] = IsSupported(reader); break;
                case "resources" when IsOurs(reader): entry = ReadResources(reader, entry); break;
                case "media" when IsOurs(reader): ReadMedium(reader, media); break;
                case "requires": entry = entry with { NeedsSecureBootAndTpm = reader.GetAttribute("secure-boot") == "true" && reader.GetAttribute("tpm") == "2.0" }; break;
            }
        });
        return entry with { ShortIds = shortIds, Ancestors = ancestors, Devices = devices, Firmware = firmware, Media = media };
    }

    private static void ReadDevices(XmlReader reader, Dictionary<string, bool> devices) => ForEachChild(reader, name =>
    {
        if (name == "device" && reader.GetAttribute("id") is { } id) devices[id] = IsSupported(reader);
    });

    /// <summary>What is for x86-64 goes before what is for all architectures or for the 32-bit ones.</summary>
    private static OsinfoEntry ReadResources(XmlReader reader, OsinfoEntry entry)
    {
        bool exact = reader.GetAttribute("arch") == "x86_64";
        ForEachChild(reader, name =>
        {
            if (name == "minimum" && ReadAmounts(reader) is { } minimum && (exact || entry.Minimum is null)) entry = entry with { Minimum = minimum };
            else if (name == "recommended" && ReadAmounts(reader) is { } recommended && (exact || entry.Recommended is null)) entry = entry with { Recommended = recommended };
        });
        return entry;
    }

    private static OperatingSystemResources ReadAmounts(XmlReader reader)
    {
        var amounts = new OperatingSystemResources();
        ForEachChild(reader, name =>
        {
            if (name is not ("n-cpus" or "ram" or "storage")) return;
            if (!long.TryParse(Text(reader), NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number <= 0) return;
            amounts = name switch
            {
                "n-cpus" => amounts with { Cpus = (int)Math.Min(number, int.MaxValue) },
                "ram" => amounts with { MemoryMiB = (int)Math.Min(Math.Max(number / MiB, 1), int.MaxValue) },
                _ => amounts with { DiskBytes = number },
            };
        });
        return amounts;
    }

    private static void ReadMedium(XmlReader reader, List<OsinfoMedium> media) => ForEachChild(reader, name =>
    {
        if (name != "iso") return;
        var medium = new OsinfoMedium(null, null, null, null);
        ForEachChild(reader, part =>
        {
            medium = part switch
            {
                "volume-id" => medium with { Volume = Text(reader) },
                "system-id" => medium with { System = Text(reader) },
                "publisher-id" => medium with { Publisher = Text(reader) },
                "application-id" => medium with { Application = Text(reader) },
                _ => medium,
            };
        });
        if (medium.Patterns.Any()) media.Add(medium);
    });

    /// <summary>Calls for each child element, with the reader on its start; whatever the action leaves of it is passed over.</summary>
    private static void ForEachChild(XmlReader reader, Action<string> action)
    {
        if (reader.IsEmptyElement) return;
        int depth = reader.Depth;
        reader.Read();
        while (reader.Depth > depth)
        {
            if (reader.NodeType != XmlNodeType.Element)
            {
                reader.Read();
                continue;
            }

            int child = reader.Depth;
            action(reader.LocalName);
            // On the start still, within, or on its end: to what follows it.
            if (reader.Depth == child && reader.NodeType == XmlNodeType.Element) reader.Skip();
            else
            {
                while (reader.Depth > child) reader.Read();
                reader.Read();
            }
        }
    }

    /// <summary>The element's text; the reader then stands on its end.</summary>
    private static string Text(XmlReader reader)
    {
        if (reader.IsEmptyElement) return "";
        int depth = reader.Depth;
        var text = "";
        while (reader.Read() && reader.Depth > depth)
        {
            if (reader.NodeType is XmlNodeType.Text or XmlNodeType.CDATA) text += reader.Value;
        }

        return text.Trim();
    }

    /// <summary>In the database's own language.</summary>
    private static bool IsPlain(XmlReader reader) => reader.GetAttribute("xml:lang") is null;

    private static bool IsOurs(XmlReader reader) => reader.GetAttribute("arch") is not { } architecture || Architectures.Contains(architecture);

    private static bool IsSupported(XmlReader reader) => reader.GetAttribute("supported") != "false";

    private static DateOnly? Date(string text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date) ? date : null;
}
