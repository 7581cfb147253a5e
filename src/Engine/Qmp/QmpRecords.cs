namespace Lamina.Engine.Qmp;

/// <summary><c>query-status</c>.</summary>
public sealed record StatusInfo
{
    public required bool Running { get; init; }
    public required RunState Status { get; init; }
}

/// <summary><c>query-balloon</c>.</summary>
public sealed record BalloonInfo
{
    /// <summary>What the guest has now, in bytes; it lags behind what was asked.</summary>
    public required long Actual { get; init; }
}
