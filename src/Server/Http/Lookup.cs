using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Http;

/// <summary>
/// Finds an object by id or name. An object of a project is found only from within that project, also by its id: the permission was checked
/// for the project that the request names.
/// </summary>
internal static class Lookup
{
    /// <summary>In <see cref="Keys.NameId"/>, the project of names that belong to the whole installation (pools, hosts, users).</summary>
    public const string Installation = "-";

    /// <param name="snapshot">The state to look in.</param>
    /// <param name="kind">The specs.</param>
    /// <param name="noun">As in the names' keys and problem codes: <c>vm</c>.</param>
    /// <param name="project">Of the request.</param>
    /// <param name="nameOrId">What the client wrote.</param>
    /// <exception cref="ProblemException">404 <c>&lt;noun&gt;.notFound</c>.</exception>
    public static CachedRecord<T> Find<T>(this CacheSnapshot snapshot, RecordKind<T> kind, string noun, string project, string nameOrId)
        where T : ProjectRecord =>
        snapshot.TryFind(kind, noun, project, nameOrId) ?? throw ProblemException.NotFound(noun, nameOrId, project);

    /// <summary>Null: there is none.</summary>
    public static CachedRecord<T>? TryFind<T>(this CacheSnapshot snapshot, RecordKind<T> kind, string noun, string project, string nameOrId)
        where T : ProjectRecord
    {
        var found = ByIdOrName(snapshot, kind, noun, project, nameOrId);
        return found?.Record.Project == project ? found : null;
    }

    /// <summary>Finds what belongs to the whole installation.</summary>
    /// <exception cref="ProblemException">404 <c>&lt;noun&gt;.notFound</c>.</exception>
    public static CachedRecord<T> FindInstalled<T>(this CacheSnapshot snapshot, RecordKind<T> kind, string noun, string nameOrId)
        where T : StoredRecord =>
        snapshot.TryFindInstalled(kind, noun, nameOrId)
        ?? throw new ProblemException(ProblemKind.NotFound, $"{noun}.notFound", $"There is no {noun} '{nameOrId}'.", $"List what there is with 'lamina {noun} list'.");

    /// <summary>Null: there is none.</summary>
    public static CachedRecord<T>? TryFindInstalled<T>(this CacheSnapshot snapshot, RecordKind<T> kind, string noun, string nameOrId)
        where T : StoredRecord => ByIdOrName(snapshot, kind, noun, Installation, nameOrId);

    private static CachedRecord<T>? ByIdOrName<T>(CacheSnapshot snapshot, RecordKind<T> kind, string noun, string project, string nameOrId)
        where T : StoredRecord
    {
        if (snapshot.Get(kind, nameOrId) is { } byId) return byId;
        return snapshot.Get(Keys.Names, Keys.NameId(project, noun, nameOrId)) is { } claim ? snapshot.Get(kind, claim.Record.Owner) : null;
    }
}
