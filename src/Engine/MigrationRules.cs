using Lamina.Engine.Migration;

namespace Lamina.Engine;

/// <summary>What QEMU would take and then break over, or would refuse in words that tell nobody what to do. Pure.</summary>
public static class MigrationRules
{
    public const int MostStreams = 255;

    /// <summary>Below it several streams and post-copy together end the target: 7.2 asserts in util/yank.c.</summary>
    private static readonly Version StreamsWithPostCopy = new(10, 1);

    /// <returns>Why this version of QEMU cannot do it; null = it can.</returns>
    public static string? Problem(MigrationTransport transport, string engineVersion)
    {
        if (transport.Streams is < 1 or > MostStreams) return $"streams must be 1 to {MostStreams}, not {transport.Streams}";
        if (transport.PostCopyPreempt && !transport.PostCopy) return "preemption is a part of post-copy and was asked for without it";
        if (transport is { PostCopy: true, Streams: > 1 } && !(Version.TryParse(engineVersion, out var version) && version >= StreamsWithPostCopy))
            return $"QEMU {engineVersion} loses the guest when post-copy begins over several streams; it can from {StreamsWithPostCopy} on";
        return null;
    }

    /// <exception cref="VmEngineException">It cannot be done.</exception>
    public static void Require(MigrationTransport transport, string engineVersion)
    {
        if (Problem(transport, engineVersion) is { } problem)
            throw new VmEngineException(VmEngineFailure.Impossible, $"The guest cannot be migrated so: {problem}.", "Use one stream, or go without post-copy.");
    }

    /// <exception cref="VmEngineException">It cannot be done.</exception>
    public static void Require(MigrationSend send, string engineVersion)
    {
        Require(send.Transport, engineVersion);
        if (send is { Transport.PostCopy: true, PauseBeforeSwitchover: false })
            throw new VmEngineException(VmEngineFailure.BadDefinition, "Post-copy without a pause before it cannot be decided in time.", "This is a bug: report it.");
    }

    /// <exception cref="VmEngineException">The memory is on both sides.</exception>
    public static void RequireCancellable(VmDefinition vm, MigrationPhase phase)
    {
        if (phase.IsPostCopy())
            throw new VmEngineException(VmEngineFailure.Impossible, $"VM {vm.Name} is in post-copy: its memory is on both hosts, and there is no way back.",
                "Mend the connection between the hosts, and the migration is resumed.");
    }
}
