using System.Text.RegularExpressions;

namespace Lamina.Bench;

/// <summary>
/// Lamina's command line for QEMU, turned into one that a shell script can use (pure): the same devices and settings, but sockets and the tap by
/// name, since a shell cannot open those; the monitor over named pipes, which bash can speak by itself.
/// </summary>
internal sealed partial record BareArguments
{
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The numbers under which QEMU expects the disk and the image below it.</summary>
    public required int DiskNumber { get; init; }
    public required int BaseNumber { get; init; }

    public static BareArguments From(IReadOnlyList<string> lamina, string tap, string mac) => new()
    {
        Arguments = [.. lamina.Select(argument => Turn(argument, tap, mac))],
        DiskNumber = NumberOf(lamina, "disk0-file"),
        BaseNumber = NumberOf(lamina, "disk0-b1-file"),
    };

    private static string Turn(string argument, string tap, string mac)
    {
        string turned = argument.StartsWith("socket,id=qmp,", StringComparison.Ordinal) ? "pipe,id=qmp,path=qmp" : argument;
        turned = ListeningSocket().Replace(turned, "socket,id=$1,path=$1.sock,server=on,wait=off");
        turned = Tap().Replace(turned, $"tap,id=$1,ifname={tap},script=no,downscript=no");
        return Mac().Replace(turned, $"mac={mac}");
    }

    private static int NumberOf(IReadOnlyList<string> arguments, string node) =>
        int.Parse(FileSet().Match(arguments.First(argument => argument.Contains($"\"node-name\":\"{node}\"", StringComparison.Ordinal))).Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex("^socket,id=([a-z0-9-]+),fd=[0-9]+,server=on,wait=off")]
    private static partial Regex ListeningSocket();

    [GeneratedRegex("^tap,id=([a-z0-9]+),fd=[0-9]+")]
    private static partial Regex Tap();

    [GeneratedRegex("mac=[0-9a-f:]+")]
    private static partial Regex Mac();

    [GeneratedRegex("/dev/fdset/([0-9]+)")]
    private static partial Regex FileSet();
}
