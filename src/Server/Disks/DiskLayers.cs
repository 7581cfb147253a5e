using Lamina.Api;

namespace Lamina.Server.Disks;

/// <summary>The tree of a disk's layers (pure). A record from before there were layers is a tree of one.</summary>
internal sealed class DiskLayers
{
    private readonly Dictionary<string, DiskLayer> _byId;

    public DiskLayers(DiskStatus? status)
    {
        All = status is { Layers.Count: > 0 } ? status.Layers : [new DiskLayer { Id = DiskLayer.First }];
        Active = status?.Active ?? DiskLayer.First;
        _byId = All.ToDictionary(layer => layer.Id, StringComparer.Ordinal);
    }

    public IReadOnlyList<DiskLayer> All { get; }

    /// <summary>Id of the layer that the guest writes.</summary>
    public string Active { get; }

    public bool Has(string layer) => _byId.ContainsKey(layer);

    public DiskLayer this[string layer] => _byId.GetValueOrDefault(layer) ?? throw new ProblemException(
        ProblemKind.Unprocessable, "disk.layerMissing", $"The disk has no layer {layer} any more.", "Look at the disk: lamina disk show.");

    public IReadOnlyList<DiskLayer> ChildrenOf(string layer) => [.. All.Where(other => other.Parent == layer)];

    /// <summary>A layer and all below it, nearest first.</summary>
    public IReadOnlyList<DiskLayer> ChainOf(string layer)
    {
        var chain = new List<DiskLayer>();
        for (string? id = layer; id is not null && chain.Count <= All.Count; id = chain[^1].Parent) chain.Add(this[id]);
        return chain;
    }

    public static string FileOf(DiskLayer layer) => layer.File ?? layer.Id;

    public static bool IsFirstFile(DiskLayer layer) => FileOf(layer) == DiskLayer.First;
}
