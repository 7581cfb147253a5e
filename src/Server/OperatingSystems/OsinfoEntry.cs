using Lamina.Api;

namespace Lamina.Server.OperatingSystems;

/// <summary>One operating system as a file of the database tells it, before anything is inherited.</summary>
internal sealed record OsinfoEntry
{
    /// <summary>The database's own id, a URL.</summary>
    public required string Url { get; init; }

    /// <summary>The first is the usual one.</summary>
    public IReadOnlyList<string> ShortIds { get; init; } = [];
    public string? Name { get; init; }
    public string? Version { get; init; }
    public string? Vendor { get; init; }
    public string? Family { get; init; }
    public DateOnly? Released { get; init; }
    public DateOnly? EndOfLife { get; init; }

    /// <summary>Systems whose devices it supports too: <c>derives-from</c> and <c>clones</c>.</summary>
    public IReadOnlyList<string> Ancestors { get; init; } = [];

    /// <summary>Device ids; false: not supported, whatever its ancestors do.</summary>
    public IReadOnlyDictionary<string, bool> Devices { get; init; } = new Dictionary<string, bool>();

    /// <summary>Of x86-64: <c>efi</c> and <c>bios</c>, and whether it boots so.</summary>
    public IReadOnlyDictionary<string, bool> Firmware { get; init; } = new Dictionary<string, bool>();
    public OperatingSystemResources? Minimum { get; init; }
    public OperatingSystemResources? Recommended { get; init; }
    public IReadOnlyList<OsinfoMedium> Media { get; init; } = [];

    /// <summary>Its maker demands Secure Boot and a TPM 2.0 (a member of Lamina's supplement only).</summary>
    public bool? NeedsSecureBootAndTpm { get; init; }

    /// <summary>This entry with what another one of the same id adds or corrects.</summary>
    public OsinfoEntry With(OsinfoEntry other) => this with
    {
        ShortIds = [.. ShortIds.Union(other.ShortIds)],
        Name = other.Name ?? Name,
        Version = other.Version ?? Version,
        Vendor = other.Vendor ?? Vendor,
        Family = other.Family ?? Family,
        Released = other.Released ?? Released,
        EndOfLife = other.EndOfLife ?? EndOfLife,
        Ancestors = [.. Ancestors.Union(other.Ancestors)],
        Devices = Devices.Concat(other.Devices).GroupBy(device => device.Key).ToDictionary(group => group.Key, group => group.Last().Value),
        Firmware = Firmware.Concat(other.Firmware).GroupBy(kind => kind.Key).ToDictionary(group => group.Key, group => group.Last().Value),
        Minimum = other.Minimum ?? Minimum,
        Recommended = other.Recommended ?? Recommended,
        Media = [.. Media, .. other.Media],
        NeedsSecureBootAndTpm = other.NeedsSecureBootAndTpm ?? NeedsSecureBootAndTpm,
    };
}

/// <summary>By what an installer's or live medium is known: regular expressions over its volume descriptor; null: anything.</summary>
internal sealed record OsinfoMedium(string? Volume, string? System, string? Publisher, string? Application)
{
    public IEnumerable<string> Patterns => new[] { Volume, System, Publisher, Application }.OfType<string>();
}
