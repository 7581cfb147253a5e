using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Server.Control;

namespace Lamina.Server.Http;

/// <summary>A kind of objects that can be watched; its room describes it, Program.cs registers it.</summary>
internal abstract class WatchKind(string name, IReadOnlyList<RecordKind> records, Permission permission)
{
    /// <summary>As in the path: <c>vms</c>.</summary>
    public string Name { get; } = name;

    /// <summary>The records of which an object consists; the first is the one without which there is none.</summary>
    public IReadOnlyList<RecordKind> Records { get; } = records;

    public Permission Permission { get; } = permission;

    /// <summary>Null: there is no such object.</summary>
    public abstract WatchView? View(CacheSnapshot snapshot, string id);
}

/// <param name="Object">As GET gives it.</param>
/// <param name="Project">Null for what belongs to the whole installation.</param>
internal sealed record WatchView(JsonElement Object, string? Project);

/// <param name="name">As in the path: <c>vms</c>.</param>
/// <param name="records">The records of which an object consists; the first is the one without which there is none.</param>
/// <param name="view">The object as GET gives it; null when there is none.</param>
/// <param name="projectOf">Null for what belongs to the whole installation.</param>
/// <param name="type">Description of the object.</param>
/// <param name="permission">Needed to see one.</param>
internal sealed class WatchKind<T>(
    string name,
    IReadOnlyList<RecordKind> records,
    Func<CacheSnapshot, string, T?> view,
    Func<T, string?> projectOf,
    JsonTypeInfo<T> type,
    Permission permission = Permission.View) : WatchKind(name, records, permission)
    where T : class
{
    public override WatchView? View(CacheSnapshot snapshot, string id) =>
        view(snapshot, id) is { } found ? new WatchView(JsonSerializer.SerializeToElement(found, type), projectOf(found)) : null;
}
