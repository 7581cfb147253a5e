namespace Lamina.Tests.Crash;

/// <summary>One thing that a client does; safe to be done again after a daemon died in its midst.</summary>
/// <param name="Name">For reports.</param>
/// <param name="Do">Returns when it is done.</param>
/// <param name="EndsGuests">Guests that run may have ended or have been ended in it.</param>
internal sealed record Step(string Name, Func<Session, Task> Do, bool EndsGuests = false);

/// <summary>A few steps, in each of which a daemon may die at every point.</summary>
internal sealed record Scenario(string Name)
{
    /// <summary>What must be there before; no daemon dies in it.</summary>
    public IReadOnlyList<Step> Before { get; init; } = [];

    /// <summary>The daemon dies here. Empty: at its own start, once with and once without what <see cref="Before"/> made.</summary>
    public IReadOnlyList<Step> Steps { get; init; } = [];

    /// <summary>The daemon is started once more before <see cref="Steps"/>, and dies from that start on.</summary>
    public bool FromStart { get; init; }

    /// <summary>Nothing is there, not even what a first start makes.</summary>
    public bool FromNothing { get; init; }

    /// <summary>The host has a physical card with addresses.</summary>
    public bool WithCard { get; init; }
}
