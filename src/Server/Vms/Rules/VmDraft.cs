using Lamina.Api;

namespace Lamina.Server.Vms.Rules;

/// <summary>A VM that the rules have passed: every record that its creation writes, save those of operation, event and audit.</summary>
internal sealed record VmDraft
{
    public required string Id { get; init; }
    public required VmSpec Spec { get; init; }
    public required IReadOnlyList<DiskDraft> Disks { get; init; }

    /// <summary>What was taken as asked for, but is likely not meant.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>A disk that is made for a VM.</summary>
internal sealed record DiskDraft(string Id, DiskSpec Spec);
