using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli;

/// <summary>Options whose value is a size.</summary>
internal static class SizeOptions
{
    /// <exception cref="CliException">It is no size.</exception>
    public static long Bytes(string option, string text) =>
        Sizes.TryParse(text, out var bytes) ? bytes : throw new CliException(ExitCode.Usage, $"{option} {text} is no size", "write for example 512MiB or 10GiB");

    /// <summary>A bare number counts MiB here, as everywhere in this field.</summary>
    public static int? MemoryMiB(Option<string?> option, Invocation invocation)
    {
        if (invocation.Value(option) is not { } text) return null;
        if (int.TryParse(text, out var mebibytes)) return mebibytes;
        var bytes = Bytes(option.Name, text);
        if (bytes % (1 << 20) != 0) throw new CliException(ExitCode.Usage, $"{option.Name} {text} is no whole number of MiB");
        return checked((int)(bytes >> 20));
    }
}
