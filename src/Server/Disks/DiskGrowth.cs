using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Lamina.Server.Images;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Disks;

/// <summary>Makes the files of disks larger that no process has open. What runs on a disk grows it itself (block_resize).</summary>
internal sealed class DiskGrowth(WorkerUsers users, TimeProvider time)
{
    /// <summary>The size that a guest sees, as the file itself says.</summary>
    /// <exception cref="ProblemException">It is not what the record says.</exception>
    public static long SizeOf(DiskFilePath path)
    {
        using var file = File.OpenHandle(path.Path);
        if (path.Format == DiskFormat.Raw) return RandomAccess.GetLength(file);
        return Qcow2Header.Read(UploadHash.ReadStart(file, Qcow2Header.NeededBytes), out string problem) is { } header
            ? (long)header.VirtualSizeBytes
            : throw new ProblemException(ProblemKind.Unprocessable, "disk.broken", $"{path.Path} is no disk any more: {problem}.", "Bring the file back from a copy, or delete the disk.");
    }

    /// <summary>Grows the file to this size; one that is as large already is left alone. Safe to repeat.</summary>
    /// <param name="name">The disk's, for messages.</param>
    /// <param name="path">The file that is written: the active layer.</param>
    /// <param name="sizeBytes">What the guest shall see.</param>
    /// <param name="cancellation">Gives up; the file stays whole.</param>
    /// <returns>True when it has grown.</returns>
    public async Task<bool> EnsureAsync(string name, DiskFilePath path, long sizeBytes, CancellationToken cancellation)
    {
        if (SizeOf(path) >= sizeBytes) return false;
        using var file = File.OpenHandle(path.Path, FileMode.Open, FileAccess.ReadWrite);
        if (path.Format == DiskFormat.Raw) RandomAccess.SetLength(file, sizeBytes);
        else await GrowAsync(name, path, file, sizeBytes, cancellation);
        RandomAccess.FlushToDisk(file);
        return true;
    }

    /// <summary>By a tool that owns nothing but this file while it works: what wrote the file may have been hostile.</summary>
    private async Task GrowAsync(string name, DiskFilePath path, SafeFileHandle file, long sizeBytes, CancellationToken cancellation)
    {
        using var user = await users.RentAsync(cancellation);
        Ownership.Change(path.Path, user.UserId, user.UserId);
        try
        {
            await new QemuImg(user.UserId, "grow", time).ResizeAsync(file, sizeBytes, cancellation);
        }
        catch (CommandException failure)
        {
            throw new ProblemException(ProblemKind.Unprocessable, "disk.notGrown", $"Disk {name} could not be made {Sizes.Format(sizeBytes)} large: {failure.Message}", "Is there room in its pool, and does nothing else use it?", failure);
        }
        finally
        {
            Ownership.Change(path.Path, 0, 0);
        }
    }
}
