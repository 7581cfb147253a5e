namespace Lamina.Tests.Nested;

/// <summary>One thing that must be so on a real host.</summary>
/// <param name="Name">What is so, as a sentence.</param>
/// <param name="Do">Makes sure of it, or throws.</param>
internal sealed record Step(string Name, Func<Scene, Task> Do)
{
    /// <summary>Without it nothing that follows makes sense.</summary>
    public bool IsGround { get; init; }

    /// <summary>Of several hosts, or of what they need of their kernels: a run of its own, without the others.</summary>
    public bool IsCluster { get; init; }

    public bool IsNamed(string part) => Name.Contains(part, StringComparison.OrdinalIgnoreCase);
}
