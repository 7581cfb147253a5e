using Lamina.Api;

namespace Lamina.Server.Pools;

/// <summary>What is known of a pool's room at one moment, in bytes.</summary>
/// <param name="ReservedBytes">Promised to uploads, imports and builds that run, less what they have written already.</param>
internal sealed record PoolRoomNow(string PoolName, long TotalBytes, long FreeBytes, long ReserveBytes, long ReservedBytes)
{
    /// <summary>What may still be given away; never negative.</summary>
    public long AvailableBytes => Math.Max(0, FreeBytes - ReserveBytes - ReservedBytes);
}

/// <summary>Whether something fits into a pool (pure). Room is reserved before it is used, so that no pool fills by our own work.</summary>
internal static class PoolAccounting
{
    public const string PoolFull = "pool.full";

    /// <summary>What a new thin disk takes at once: its header and tables; what the guest writes later is not promised.</summary>
    public const long ThinDiskBytes = 1L << 20;

    /// <summary>Null: <paramref name="neededBytes"/> fit; else why not and what to do.</summary>
    /// <param name="room">The pool as it is.</param>
    /// <param name="what">What needs the room, as people call it: <c>the upload</c>.</param>
    /// <param name="neededBytes">At most this much will be written.</param>
    public static Failure? Refuse(PoolRoomNow room, string what, long neededBytes)
    {
        if (neededBytes <= room.AvailableBytes)
        {
            return null;
        }

        return new Failure
        {
            Code = PoolFull,
            Message = $"Pool {room.PoolName} has no room for {what}: it needs {Sizes.Format(neededBytes)}, and {Sizes.Format(room.AvailableBytes)} "
                + $"can be given away ({Sizes.Format(room.FreeBytes)} free, {Sizes.Format(room.ReserveBytes)} kept for the host, "
                + $"{Sizes.Format(room.ReservedBytes)} promised to running work).",
            Remedy = "Delete images, ISOs or VMs that are no longer needed, or give the pool's file system more room.",
        };
    }

    /// <summary>What a new pool keeps free for the host: 1 GiB, of small file systems a twentieth.</summary>
    public static long DefaultReserveBytes(long totalBytes) => Math.Min(1L << 30, totalBytes / 20);

    /// <summary>
    /// Free bytes from which guests that were paused by a full pool go on: enough that they do not pause again at once, and less than the
    /// reserve, which no new work may touch.
    /// </summary>
    public static long ResumeThresholdBytes(long reserveBytes) => Math.Max(16L << 20, reserveBytes / 4);
}
