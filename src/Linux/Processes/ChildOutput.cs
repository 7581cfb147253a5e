using System.Runtime.InteropServices;

namespace Lamina.Linux.Processes;

/// <summary>Where what a child writes goes.</summary>
public sealed record ChildOutput
{
    private ChildOutput()
    {
    }

    /// <summary>To /dev/null.</summary>
    public static ChildOutput Null { get; } = new();

    /// <summary>The descriptor to write to, for <see cref="To"/>.</summary>
    internal SafeHandle? Target { get; private init; }

    /// <summary>The bytes kept, for <see cref="Tail"/>.</summary>
    internal int? TailBytes { get; private init; }

    /// <summary>The most bytes kept, for <see cref="Head"/>.</summary>
    internal int? HeadBytes { get; private init; }

    /// <summary>To a file, socket or pipe that stays the caller's.</summary>
    public static ChildOutput To(SafeHandle target) => new() { Target = target };

    /// <summary>Into memory: the last bytes are kept, to say what a program complained of before it died.</summary>
    public static ChildOutput Tail(int bytes) => new() { TailBytes = bytes };

    /// <summary>Into memory: the first bytes are kept, the rest is read and dropped, and the child is never blocked.</summary>
    public static ChildOutput Head(int bytes) => new() { HeadBytes = bytes };
}
