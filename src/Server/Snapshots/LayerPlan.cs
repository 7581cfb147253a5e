using Lamina.Api;
using Lamina.Server.Disks;

namespace Lamina.Server.Snapshots;

/// <summary>A step towards a tree in which every layer is needed.</summary>
internal abstract record LayerStep
{
    /// <summary>Nothing stands on it and nobody needs it: its file goes.</summary>
    public sealed record Drop(string Layer) : LayerStep;

    /// <summary>
    /// Only one layer stands on it and nobody needs it as it is: what the upper one says is written into its file, which the upper one then has, and
    /// the file that the upper one had goes.
    /// </summary>
    public sealed record Merge(string Lower, string Upper) : LayerStep;
}

/// <summary>
/// Which layers of a disk can go (pure). A layer is needed while a snapshot or a linked clone names it, or the guest writes it. Nothing is written into
/// a file that a linked clone's chain goes through, since another VM may have it open.
/// </summary>
internal static class LayerPlan
{
    /// <summary>How many layers a guest's reads may go through; a snapshot that would make more is refused.</summary>
    public const int LongestChain = 16;

    /// <param name="layers">The disk's.</param>
    /// <param name="snapshots">Layers that snapshots name.</param>
    /// <param name="bases">Layers that linked clones stand on.</param>
    /// <returns>Null: all are needed.</returns>
    public static LayerStep? Next(DiskLayers layers, IReadOnlySet<string> snapshots, IReadOnlySet<string> bases)
    {
        bool IsNeeded(DiskLayer layer) => layer.Id == layers.Active || snapshots.Contains(layer.Id) || bases.Contains(layer.Id);
        var held = bases.Where(layers.Has).SelectMany(layers.ChainOf).Select(layer => layer.Id).ToHashSet(StringComparer.Ordinal);
        foreach (var layer in layers.All.Where(layer => !IsNeeded(layer)))
        {
            var children = layers.ChildrenOf(layer.Id);
            if (children.Count == 0) return new LayerStep.Drop(layer.Id);
            if (children.Count == 1 && !held.Contains(layer.Id)) return new LayerStep.Merge(layer.Id, children[0].Id);
        }

        return null;
    }

    /// <summary>The record after the step.</summary>
    public static DiskStatus Apply(DiskStatus status, LayerStep step)
    {
        var layers = new DiskLayers(status);
        return step switch
        {
            LayerStep.Drop drop => status with { Layers = [.. layers.All.Where(layer => layer.Id != drop.Layer)] },
            LayerStep.Merge merge => status with
            {
                Layers =
                [
                    .. layers.All.Where(layer => layer.Id != merge.Lower).Select(layer => layer.Id == merge.Upper
                        ? layer with { Parent = layers[merge.Lower].Parent, File = DiskLayers.FileOf(layers[merge.Lower]) }
                        : layer),
                ],
                Active = layers.Active,
            },
            _ => throw new ArgumentOutOfRangeException(nameof(step)),
        };
    }

    /// <summary>With a new layer on top of another one, which the guest writes from then on.</summary>
    public static DiskStatus Put(DiskStatus status, string below, string layer)
    {
        var layers = new DiskLayers(status);
        return layers.Has(layer)
            ? status with { Active = layer }
            : status with { Layers = [.. layers.All, new DiskLayer { Id = layer, Parent = below }], Active = layer };
    }

    /// <summary>Without the layers that nothing stands on and nobody needs.</summary>
    public static DiskStatus Prune(DiskStatus status, IReadOnlySet<string> snapshots, IReadOnlySet<string> bases)
    {
        while (Next(new DiskLayers(status), snapshots, bases) is { } step)
        {
            if (step is LayerStep.Merge) step = FirstDrop(status, snapshots, bases);
            if (step is null) break;
            status = Apply(status, step);
        }

        return status;
    }

    private static LayerStep.Drop? FirstDrop(DiskStatus status, IReadOnlySet<string> snapshots, IReadOnlySet<string> bases)
    {
        var layers = new DiskLayers(status);
        var leaf = layers.All.FirstOrDefault(layer => layer.Id != layers.Active && !snapshots.Contains(layer.Id) && !bases.Contains(layer.Id)
            && layers.ChildrenOf(layer.Id).Count == 0);
        return leaf is null ? null : new LayerStep.Drop(leaf.Id);
    }
}
