using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;

namespace Lamina.Server.Copies;

/// <summary>Finds the state of a VM that a request means (pure).</summary>
internal static class SourcePoints
{
    /// <param name="snapshot">The state.</param>
    /// <param name="vm">The VM.</param>
    /// <param name="name">Name or id of its snapshot; null: as it is now.</param>
    /// <param name="problems">Gets what is wrong.</param>
    public static SourcePoint? Find(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, string? name, InputProblems problems)
    {
        if (name is null) return SourcePoint.Now(vm.Record);
        problems.Add("$.snapshot", "snapshot.notFound", $"VM '{vm.Record.Name}' has no snapshot '{Suggestions.Shorten(name)}': 'lamina vm snapshot list {vm.Record.Name}' shows those there are.");
        return null;
    }
}
