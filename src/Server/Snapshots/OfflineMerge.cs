using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Lamina.Server.Disks;
using Lamina.Server.Images;

namespace Lamina.Server.Snapshots;

/// <summary>
/// Merges a file into the one below it while no process has them open, by a tool that owns nothing but these two while it works. Interrupted, both read
/// as before: the upper one keeps all that it says.
/// </summary>
internal sealed class OfflineMerge(WorkerUsers users, TimeProvider time)
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private static readonly TimeSpan Deadline = TimeSpan.FromHours(6);

    public async Task MergeAsync(string operation, string disk, DiskPaths upper, Action<int> onPercent, CancellationToken cancellation)
    {
        using var user = await users.RentAsync(cancellation);
        var own = upper.Chain.Take(2).ToList();
        var files = new List<QemuImgFile>();
        try
        {
            foreach (var path in own) Ownership.Change(path.Path, user.UserId, user.UserId);
            foreach (var path in upper.Chain)
            {
                bool isWritten = own.Contains(path);
                var file = File.OpenHandle(path.Path, FileMode.Open, isWritten ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite);
                files.Add(new QemuImgFile(file, path.Format == DiskFormat.Raw ? "raw" : "qcow2"));
                // The folder is root's alone: no other way leads to the file.
                if (!isWritten) File.SetUnixFileMode(file, Readable);
            }

            long limit = DiskGrowth.SizeOf(own[0]) + (DiskGrowth.SizeOf(own[0]) / 64) + (1L << 30);
            await new QemuImg(user.UserId, operation, time).CommitAsync(files, limit, Deadline, onPercent, cancellation);
            RandomAccess.FlushToDisk(files[1].File);
        }
        catch (CommandException failure)
        {
            throw new ProblemException(
                ProblemKind.Unprocessable, "disk.notMerged", $"Two layers of disk {disk} could not be merged: {failure.Message}", "Is there room in its pool? They are merged at the next try.", failure);
        }
        finally
        {
            foreach (var file in files) file.File.Dispose();
            foreach (var path in own.Where(path => File.Exists(path.Path))) Ownership.Change(path.Path, 0, 0);
        }
    }
}
