using System.Runtime.InteropServices;

namespace Lamina.Cli.Vms;

/// <summary>
/// Puts the terminal into raw mode (termios(3), cfmakeraw): each key goes to the guest at once, Ctrl-C too. Disposing restores it. The
/// struct is opaque to us: 60 bytes on x86-64 glibc, with room to spare.
/// </summary>
internal sealed unsafe partial class RawTerminal : IDisposable
{
    private const int StandardInput = 0;
    private const int AfterDrain = 1;
    private const int TermiosBytes = 128;
    private readonly byte[] saved = new byte[TermiosBytes];
    private readonly bool changed;

    public RawTerminal()
    {
        var raw = new byte[TermiosBytes];
        // SAFETY: both buffers are larger than struct termios and pinned for the calls.
        fixed (byte* before = saved, after = raw)
        {
            if (tcgetattr(StandardInput, before) != 0) return;
            saved.CopyTo(raw, 0);
            cfmakeraw(after);
            changed = tcsetattr(StandardInput, AfterDrain, after) == 0;
        }
    }

    public void Dispose()
    {
        if (!changed) return;
        // SAFETY: as above; the saved state is what tcgetattr gave.
        fixed (byte* before = saved) _ = tcsetattr(StandardInput, AfterDrain, before);
    }

    [LibraryImport("libc")]
    private static partial int tcgetattr(int fd, byte* termios);

    [LibraryImport("libc")]
    private static partial int tcsetattr(int fd, int when, byte* termios);

    [LibraryImport("libc")]
    private static partial void cfmakeraw(byte* termios);
}
