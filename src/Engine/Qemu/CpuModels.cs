using System.Globalization;
using System.Text.RegularExpressions;

namespace Lamina.Engine.Qemu;

/// <summary>
/// Which CPU a new VM gets unless told otherwise (D8): a named, versioned model without a missing feature, so that it is the same
/// machine tomorrow and on the next host. Pure.
/// </summary>
internal static partial class CpuModels
{
    /// <summary>The best under TCG: all it has, TCG translates.</summary>
    private const string TcgDefault = "Westmere-v1";
    /// <summary>Runs wherever QEMU runs.</summary>
    private const string Fallback = "qemu64-v1";

    // Newest first.
    private static readonly string[] IntelFamilies =
    [
        "GraniteRapids", "SapphireRapids", "Icelake-Server", "Cooperlake", "Cascadelake-Server", "Skylake-Server", "Skylake-Client",
        "Broadwell", "Haswell", "IvyBridge", "SandyBridge", "Westmere", "Nehalem", "Penryn", "Conroe",
    ];

    private static readonly string[] AmdFamilies =
    [
        "EPYC-Turin", "EPYC-Genoa", "EPYC-Milan", "EPYC-Rome", "EPYC", "Opteron_G5", "Opteron_G4", "Opteron_G3", "Opteron_G2", "Opteron_G1",
    ];

    /// <param name="vendor">CPUID's, such as <c>GenuineIntel</c>: under KVM a guest gets a CPU of the host's own make.</param>
    public static string Default(IReadOnlyList<CpuModelInfo> models, Accelerator accelerator, string vendor)
    {
        var whole = models.Where(model => model.UnavailableFeatures.Count == 0).Select(model => model.Name).ToHashSet();
        if (accelerator == Accelerator.Tcg) return whole.Contains(TcgDefault) ? TcgDefault : Fallback;
        var families = vendor is "AuthenticAMD" or "HygonGenuine" ? AmdFamilies : IntelFamilies;
        return families.Select(family => NewestVersion(whole, family)).FirstOrDefault(model => model != null) ?? Fallback;
    }

    private static string? NewestVersion(HashSet<string> models, string family) => models
        .Select(model => Versioned().Match(model))
        .Where(match => match.Success && match.Groups["family"].Value == family)
        .MaxBy(match => int.Parse(match.Groups["version"].ValueSpan, CultureInfo.InvariantCulture))?.Value;

    [GeneratedRegex(@"^(?<family>.+)-v(?<version>\d{1,3})$")]
    private static partial Regex Versioned();
}
