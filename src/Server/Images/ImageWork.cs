using Lamina.Linux.Files;
using Lamina.Server.Pools;

namespace Lamina.Server.Images;

/// <summary>Where an operation makes an image: a folder of its own in the pool, from which a rename puts the result in place.</summary>
/// <param name="Operation">Id of the operation.</param>
/// <param name="ImageId">The image.</param>
/// <param name="PoolId">Its pool.</param>
/// <param name="Paths">The pool's layout.</param>
/// <param name="UserId">Under which tools read foreign files.</param>
internal sealed record ImageWork(string Operation, string ImageId, string PoolId, PoolPaths Paths, uint UserId)
{
    /// <summary>The file in <see cref="Folder"/> that becomes the image.</summary>
    public const string ResultName = "image.qcow2";

    public const UnixFileMode ReadOnlyFile = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public string Folder => Paths.Temporary(Operation);

    private string FolderName => Path.GetFileName(Folder);

    /// <summary>Ends what an earlier attempt of this operation left running, and makes its folder anew and empty.</summary>
    public async Task BeginAsync(CancellationToken cancellation)
    {
        await ToolLeftovers.EndAsync(Operation, cancellation);
        using var root = RootedDirectory.Open(Paths.Root);
        root.DeleteDirectory(FolderName);
        root.CreateDirectory(FolderName);
    }

    /// <summary>Puts the finished file in its place, where the next commit makes it count.</summary>
    public void Place()
    {
        using var root = RootedDirectory.Open(Paths.Root);
        root.CreateDirectory(Path.Join("images", ImageId));
        root.Rename(Path.Join(FolderName, ResultName), Path.Join("images", ImageId, ResultName));
    }

    /// <summary>Removes the operation's folder.</summary>
    public void End()
    {
        using var root = RootedDirectory.Open(Paths.Root);
        root.DeleteDirectory(FolderName);
    }
}
