using System.Net;
using Lamina.Testing.Media;

namespace Lamina.Testing.Checker;

/// <summary>What a checker guest is told on its kernel's command line; checker.c explains the words.</summary>
public sealed record CheckerSettings
{
    /// <summary>Which guest it is: no blanks, at most 63 letters.</summary>
    public required string Id { get; init; }

    /// <summary>Where its words go; null: to the serial line only.</summary>
    public IPEndPoint? To { get; init; }

    public int TickMs { get; init; } = 50;

    public int SerialMs { get; init; } = 1000;

    /// <summary>What it looks at.</summary>
    public int MemoryMiB { get; init; } = 16;

    /// <summary>The part of it that it rewrites.</summary>
    public int DirtyMiB { get; init; } = 4;

    public int RateMiBPerSecond { get; init; } = 2;

    /// <summary>0: the disk is left alone.</summary>
    public int WritesPerSecond { get; init; } = 10;

    /// <summary>Records of 4 KiB on the disk's beginning, used in turn.</summary>
    public int Slots { get; init; } = 256;

    /// <summary><c>page</c> or <c>slot</c>: it spoils one by itself after some seconds, and has to find that; null: not.</summary>
    public string? Fault { get; init; }

    /// <summary>The DHCP of its network is not asked, and it has this address (A.B.C.D/N); null: it is asked.</summary>
    public string? Address { get; init; }

    /// <summary>What the guest's shell does beside it; null: nothing.</summary>
    public string? Script { get; init; }

    public string CommandLine => string.Join(' ', Words());

    private IEnumerable<string> Words()
    {
        yield return SmallLinux.CommandLine;
        yield return SmallLinux.Run(Script is null ? "checker" : $"({Script}) & checker");
        yield return $"checker.id={Id} checker.tick={TickMs} checker.serial={SerialMs} checker.memory={MemoryMiB} checker.dirty={DirtyMiB} checker.rate={RateMiBPerSecond}";
        yield return $"checker.writes={WritesPerSecond} checker.slots={Slots}";
        if (To is not null) yield return $"checker.to={To}";
        if (Fault is not null) yield return $"checker.fault={Fault}";
        if (Address is not null) yield return $"ip4={Address}";
    }
}
