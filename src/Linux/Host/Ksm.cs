using System.Globalization;

namespace Lamina.Linux.Host;

/// <summary>The kernel's merging of identical pages (Documentation/admin-guide/mm/ksm.rst).</summary>
/// <param name="Runs">Whether it looks for pages now. Stopped, it keeps what it has merged.</param>
/// <param name="SharedPages">Pages that are kept once.</param>
/// <param name="SharingPages">Pages that are saved by that.</param>
public sealed record Ksm(bool Runs, long SharedPages, long SharingPages)
{
    private const string Folder = "/sys/kernel/mm/ksm";
    private const int PageBytes = 4096;

    public long SavedBytes => SharingPages * PageBytes;

    /// <summary>Null: this kernel cannot.</summary>
    public static Ksm? Read() => ReadNumber("run") is { } run
        ? new(run == 1, ReadNumber("pages_shared") ?? 0, ReadNumber("pages_sharing") ?? 0)
        : null;

    /// <summary>Lets it run, or stop; what is merged stays so until it is written to.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static void Switch(bool runs)
    {
        CrashPoints.Reached("ksm", "switch", "before");
        File.WriteAllText(Path.Join(Folder, "run"), runs ? "1" : "0");
        CrashPoints.Reached("ksm", "switch", "after");
    }

    private static long? ReadNumber(string file) =>
        long.TryParse(ProcFile.TryRead(Path.Join(Folder, file)), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out long number) ? number : null;
}
