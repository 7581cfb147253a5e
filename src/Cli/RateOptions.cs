using System.CommandLine;
using System.Globalization;
using Lamina.Api;

namespace Lamina.Cli;

/// <summary>Options whose value is a rate of a network: decimal units of bits, as everywhere in networks.</summary>
internal static class RateOptions
{
    public static Option<string?> Inbound() => new("--inbound") { Description = "most that reaches the guest: 100Mbit, 1.5Gbit, none", HelpName = "rate" };

    public static Option<string?> Outbound() => new("--outbound") { Description = "most that leaves the guest: 100Mbit, none", HelpName = "rate" };

    /// <summary>In kilobits per second; 0: none; null: not named.</summary>
    /// <exception cref="CliException">It is no rate.</exception>
    public static int? Kbps(Option<string?> option, Invocation invocation) =>
        invocation.Value(option) is not { } text ? null : TryParse(text, out int kbps) ? kbps
            : throw new CliException(ExitCode.Usage, $"{option.Name} {text} is no rate", "write for example 500kbit, 100Mbit, 2.5Gbit or none");

    /// <summary>Of a migration: in bits as networks count, or in bytes. Null: none, or not named.</summary>
    /// <exception cref="CliException">It is neither.</exception>
    public static long? BytesPerSecond(Option<string?> option, Invocation invocation)
    {
        if (invocation.Value(option) is not { } text || text == "none") return null;
        if (TryParse(text, out int kbps)) return kbps * 1000L / 8;
        return Sizes.TryParse(text, out long bytes) ? bytes : throw new CliException(ExitCode.Usage, $"{option.Name} {text} is no rate", "write for example 800Mbit, 10Gbit or 100MiB");
    }

    public static bool TryParse(string text, out int kbps)
    {
        kbps = 0;
        if (text == "none") return true;
        int digits = text.TakeWhile(character => char.IsAsciiDigit(character) || character == '.').Count();
        if (!decimal.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return false;
        int? factor = text[digits..].ToUpperInvariant() switch
        {
            "KBIT" or "KBIT/S" or "KBPS" => 1,
            "MBIT" or "MBIT/S" or "MBPS" => 1000,
            "GBIT" or "GBIT/S" or "GBPS" => 1_000_000,
            _ => null,
        };
        var scaled = number * (factor ?? 0);
        if (factor is null || scaled < 1 || scaled > int.MaxValue || scaled != decimal.Truncate(scaled)) return false;
        kbps = (int)scaled;
        return true;
    }

    public static string Format(int kbps) => kbps switch
    {
        >= 1_000_000 => ((decimal)kbps / 1_000_000).ToString("0.###", CultureInfo.InvariantCulture) + " Gbit/s",
        >= 1000 => ((decimal)kbps / 1000).ToString("0.###", CultureInfo.InvariantCulture) + " Mbit/s",
        _ => kbps.ToString(CultureInfo.InvariantCulture) + " kbit/s",
    };
}
