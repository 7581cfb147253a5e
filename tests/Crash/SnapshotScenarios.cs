using Lamina.Api;
using static Lamina.Tests.Crash.Scenarios;

namespace Lamina.Tests.Crash;

/// <summary>Snapshots and suspension: layers, memory, and what lies in a VM's own folder.</summary>
internal static class SnapshotScenarios
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("snapshot") { Before = [Launch(Web)], Steps = [Take("one")] },
        new("snapshot-memory") { Before = [Launch(Web)], Steps = [Take("one", withMemory: true)] },
        new("snapshot-stopped") { Before = [Create(Web)], Steps = [Take("one"), Restore("one"), Drop("one")] },
        new("snapshot-restore") { Before = [Launch(Web), Take("one", withMemory: true), Take("two")], Steps = [Restore("one")] },
        new("snapshot-delete") { Before = [Launch(Web), Take("one"), Take("two"), Take("three")], Steps = [Drop("two")] },
        new("snapshot-delete-stopped") { Before = [Create(Web), Take("one"), Take("two"), Take("three")], Steps = [Drop("two")] },
        new("delete-with-snapshots") { Before = [Launch(Web), Take("one", withMemory: true)], Steps = [DeleteVm] },
        new("suspend") { Before = [Launch(Web)], Steps = [Suspend, Verb(Web, "start")] },
    ];

    public static Step Take(string name, bool withMemory = false) => new(
        $"snapshot {name}",
        session => session.DoAsync($"snapshot {name}", $"{VmPath}/snapshots", new SnapshotCreate { Name = name, WithMemory = withMemory }, ApiJson.Default.SnapshotCreate));

    /// <summary>The guest that ran ends with what it was.</summary>
    private static Step Restore(string name) => new(
        $"restore {name}",
        session => session.DoAsync($"restore {name}", $"{VmPath}/snapshots/{name}/restore", new SnapshotRestore { Discard = true }, ApiJson.Default.SnapshotRestore),
        EndsGuests: true);

    /// <summary>The merging of its layers is an operation of its own.</summary>
    private static Step Drop(string name) => new($"delete snapshot {name}", session => session.DeleteAsync($"{VmPath}/snapshots/{name}"));

    private static Step DeleteVm => new("delete", session => session.DeleteAsync($"{VmPath}?force=true"), EndsGuests: true);

    private static Step Suspend => Verb(Web, "suspend") with { EndsGuests = true };
}
