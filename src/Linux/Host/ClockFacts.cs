using Lamina.Linux.Native;

namespace Lamina.Linux.Host;

/// <summary>What the kernel knows of the wall clock.</summary>
public static class ClockFacts
{
    private const int TimeError = 5;

    /// <summary>Whether something (NTP) keeps the wall clock right, by adjtimex(2).</summary>
    public static unsafe bool IsSynchronized()
    {
        // struct timex is 208 bytes on x86-64; modes = 0 only reads.
        var state = stackalloc byte[208];
        new Span<byte>(state, 208).Clear();
        var result = Libc.adjtimex(state);
        return result >= 0 ? result != TimeError : throw LinuxException.Last("read the state of the clock");
    }
}
