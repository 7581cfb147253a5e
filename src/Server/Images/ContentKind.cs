using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Pools;

namespace Lamina.Server.Images;

/// <summary>What is the same of images and of media: a file in a folder of its own, which does not change once it is there.</summary>
internal sealed record ContentKind
{
    public static ContentKind Image { get; } = new()
    {
        Noun = "image",
        Folder = "images",
        Copies = Keys.Images.Copies,
        File = (pool, id) => pool.Image(id),
        PoolOf = (snapshot, id) => snapshot.Get(Keys.Images.Spec, id)?.Record is { } spec ? (spec.Pool, spec.Name, spec.Deleting) : null,
    };

    public static ContentKind Iso { get; } = new()
    {
        Noun = "medium",
        Folder = "isos",
        Copies = Keys.Isos.Copies,
        File = (pool, id) => pool.Iso(id),
        PoolOf = (snapshot, id) => snapshot.Get(Keys.Isos.Spec, id)?.Record is { } spec ? (spec.Pool, spec.Name, spec.Deleting) : null,
    };

    public static IReadOnlyList<ContentKind> All { get; } = [Image, Iso];

    public required string Noun { get; init; }

    /// <summary>In a pool, of the folders named by ids; in the paths of the peer channel as well.</summary>
    public required string Folder { get; init; }
    public required RecordKind<ContentCopy> Copies { get; init; }
    public required Func<PoolPaths, string, string> File { get; init; }

    /// <summary>Pool, name and deletion of one; null: there is none such.</summary>
    public required Func<CacheSnapshot, string, (string Pool, string Name, string? Deleting)?> PoolOf { get; init; }
}
