using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary>Snapshots in the order of their tree (pure): each after the one that it stems from, siblings by their time.</summary>
internal static class SnapshotTree
{
    public static IReadOnlyList<(Snapshot Snapshot, int Depth)> Order(IReadOnlyList<Snapshot> all)
    {
        var known = all.Select(snapshot => snapshot.Id).ToHashSet(StringComparer.Ordinal);
        var ordered = new List<(Snapshot, int)>();
        Add(null, 0);
        return ordered;

        void Add(string? parent, int depth)
        {
            var children = all.Where(snapshot => (snapshot.Status?.Parent is { } above && known.Contains(above) ? above : null) == parent);
            foreach (var child in children.OrderBy(child => child.Status?.TakenAt ?? child.Spec.CreatedAt).ThenBy(child => child.Name, StringComparer.Ordinal))
            {
                ordered.Add((child, depth));
                Add(child.Id, depth + 1);
            }
        }
    }
}
