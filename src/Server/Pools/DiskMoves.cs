using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;

namespace Lamina.Server.Pools;

/// <summary>Disks that are on their way to another pool (pure): their operations, and what these say.</summary>
internal static class DiskMoves
{
    public const string Kind = "disk.move";

    /// <summary>Members of the parameters: ids of pools.</summary>
    public const string FromParameter = "from";
    public const string ToParameter = "to";

    /// <summary>The moves that are not over.</summary>
    public static IEnumerable<CachedRecord<OperationRequest>> UnderWay(CacheSnapshot snapshot) => snapshot.All(Keys.Operations.Request)
        .Where(request => request.Record.Kind == Kind && snapshot.Get(Keys.Operations.State, request.Id)?.Record.IsEnded() != true);

    /// <summary>Id of the operation that moves the disk; null: none does.</summary>
    public static string? Of(CacheSnapshot snapshot, string diskId) => UnderWay(snapshot).FirstOrDefault(move => move.Record.Target.Id == diskId)?.Id;

    /// <summary>The disks that come into a pool: it must stay, and what lies there of them is no orphan.</summary>
    public static IEnumerable<ObjectReference> Into(CacheSnapshot snapshot, string poolId) =>
        UnderWay(snapshot).Where(move => (string?)move.Record.Parameters?[ToParameter] == poolId).Select(move => move.Record.Target);
}
