namespace Lamina.Server.Memory;

/// <summary>The host as the balloon policy sees it.</summary>
/// <param name="TotalBytes">Usable by the kernel.</param>
/// <param name="AvailableBytes">What can be had without swapping.</param>
/// <param name="StalledPercent">Part of the last ten seconds in which all tasks waited for memory.</param>
internal sealed record BalloonHost(long TotalBytes, long AvailableBytes, double StalledPercent);

/// <summary>A guest as the balloon policy sees it.</summary>
internal sealed record BalloonGuest
{
    public required string Id { get; init; }

    /// <summary>All that it has when the balloon is empty.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>What the balloon leaves to it now.</summary>
    public required long LeftBytes { get; init; }

    /// <summary>What it was last asked to keep; it may still be on its way there.</summary>
    public required long TargetBytes { get; init; }

    /// <summary>Below this nothing is taken.</summary>
    public required long MinimumBytes { get; init; }

    /// <summary>Of the guest's memory, what takes up memory of the host.</summary>
    public required long ResidentBytes { get; init; }

    /// <summary>What its programs could still get; null: it has not told since the balloon came to rest, so nothing is taken.</summary>
    public long? AvailableBytes { get; init; }

    /// <summary>Set by hand: the policy does not touch it.</summary>
    public long? FixedBytes { get; init; }

    public long BalloonBytes => Math.Max(0, MemoryBytes - TargetBytes);
}

/// <summary>What a guest shall be asked to keep.</summary>
internal sealed record BalloonOrder(string Id, long TargetBytes);
