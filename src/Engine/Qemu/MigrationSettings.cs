using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;

namespace Lamina.Engine.Qemu;

/// <summary>
/// What QEMU is told before memory moves. Each capability is said, on or off: QEMU keeps what an earlier migration, or one into a file, has set. Pure.
/// </summary>
internal static class MigrationSettings
{
    /// <summary>Nothing but the way's own speed shall bound it; QEMU's default would.</summary>
    private const long NoBandwidthLimit = 1L << 40;

    private static readonly string[] Known =
    [
        "events", "return-path", "late-block-activate", "validate-uuid", "multifd", "postcopy-ram", "postcopy-preempt", "auto-converge", "pause-before-switchover",
    ];

    /// <summary>Into a file or out of one.</summary>
    public static MigrationCapabilities ToFile { get; } = Capabilities("events");

    /// <summary>On both sides alike, save for what concerns the source alone.</summary>
    public static MigrationCapabilities Live(MigrationTransport transport, bool autoConverge = false, bool pauseBeforeSwitchover = false)
    {
        List<string> on = ["events", "return-path", "late-block-activate", "validate-uuid"];
        if (transport.Streams > 1) on.Add("multifd");
        if (transport.PostCopy) on.Add("postcopy-ram");
        if (transport.PostCopyPreempt) on.Add("postcopy-preempt");
        if (autoConverge) on.Add("auto-converge");
        if (pauseBeforeSwitchover) on.Add("pause-before-switchover");
        return Capabilities([.. on]);
    }

    public static MigrationParameters Of(MigrationLimits limits) => new()
    {
        MaxBandwidth = limits.BytesPerSecond ?? NoBandwidthLimit,
        MaxPostcopyBandwidth = limits.BytesPerSecond ?? 0,
        DowntimeLimit = limits.DowntimeMs,
    };

    /// <param name="transport">Of both sides.</param>
    /// <param name="credentials">The object's id; null = in the clear.</param>
    /// <param name="targetName">What its certificate says; null on the target.</param>
    public static MigrationParameters Of(MigrationTransport transport, string? credentials, string? targetName) => new()
    {
        MultifdChannels = transport.Streams,
        TlsCreds = credentials ?? "",
        TlsHostname = targetName ?? "",
        // A target would tell the network that the guest is here before anybody has decided so: AnnounceAsync does.
        AnnounceRounds = 0,
    };

    /// <summary>For <c>migrate</c> and its likes.</summary>
    public static string Uri(string address, int port) => $"tcp:{(address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address)}:{port}";

    private static MigrationCapabilities Capabilities(params IReadOnlyCollection<string> on) => new()
    {
        Capabilities = [.. Known.Select(name => new MigrationCapability { Capability = name, State = on.Contains(name) })],
    };
}
