using Lamina.Api;

namespace Lamina.Server.Copies;

/// <summary>A state of a VM that is copied: what it is now, or what it was at a snapshot.</summary>
/// <param name="Spec">The VM's spec then.</param>
/// <param name="Snapshot">Id of the snapshot; null: now.</param>
/// <param name="Layers">By the disk's id, the layer that holds its content; empty: the one that is written.</param>
internal sealed record SourcePoint(VmSpec Spec, string? Snapshot, IReadOnlyDictionary<string, string> Layers)
{
    public static SourcePoint Now(VmSpec spec) => new(spec, null, new Dictionary<string, string>(StringComparer.Ordinal));

    public string? LayerOf(string diskId) => Layers.GetValueOrDefault(diskId);
}
