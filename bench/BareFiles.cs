using System.Text.RegularExpressions;

namespace Lamina.Bench;

/// <summary>The files of a guest that runs without Lamina.</summary>
internal sealed record BareNames
{
    public required string Kernel { get; init; }
    public required string Initrd { get; init; }
    public required string Disk { get; init; }

    /// <summary>For its sockets and what it says on its serial line.</summary>
    public required string Folder { get; init; }

    /// <summary>The kernel's; null: as Lamina's guest has it.</summary>
    public string? CommandLine { get; init; }
    public string? Tap { get; init; }
    public string? Mac { get; init; }
}

/// <summary>Lamina's command line for QEMU of a guest with a kernel and one disk, with files, sockets and taps by name in place of open ones; the rest as it is (pure).</summary>
internal static partial class BareFiles
{
    public static IEnumerable<string> Turn(IReadOnlyList<string> lamina, BareNames names)
    {
        for (int index = 0; index < lamina.Count; index++)
        {
            if (lamina[index] == "-add-fd")
            {
                index++;
                continue;
            }

            yield return Turn(index > 0 ? lamina[index - 1] : "", lamina[index], names);
        }
    }

    private static string Turn(string option, string value, BareNames names) => option switch
    {
        "-kernel" => names.Kernel,
        "-initrd" => names.Initrd,
        "-append" => names.CommandLine ?? value,
        "-chardev" when value.StartsWith("socket,id=serial0,", StringComparison.Ordinal) => $"file,id=serial0,path={Path.Join(names.Folder, "serial")}",
        "-chardev" => ListeningSocket().Replace(value, $"socket,id=$1,path={names.Folder}/$1.sock"),
        "-blockdev" => FileSet().Replace(value, names.Disk),
        "-netdev" when names.Tap is { } tap => Tap().Replace(value, $"tap,id=$1,ifname={tap},script=no,downscript=no"),
        "-device" when names.Mac is { } mac => Mac().Replace(value, $"mac={mac}"),
        _ => value,
    };

    [GeneratedRegex("^socket,id=([a-z0-9-]+),fd=[0-9]+")]
    private static partial Regex ListeningSocket();

    [GeneratedRegex("/dev/fdset/[0-9]+")]
    private static partial Regex FileSet();

    [GeneratedRegex("^tap,id=([a-z0-9]+),fd=[0-9]+")]
    private static partial Regex Tap();

    [GeneratedRegex("mac=[0-9a-f:]+")]
    private static partial Regex Mac();
}
