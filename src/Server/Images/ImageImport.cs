using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Lamina.Server.Images.Catalogue;
using Lamina.Server.Pools;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Images;

/// <summary>
/// Turns a finished upload into an image, trusting nothing in it:
/// 1. its checksum is computed and compared;
/// 2. its format is told from its bytes, and files that would open others are refused (<see cref="ImageFormats"/>);
/// 3. an unprivileged qemu-img says what it sees, and is asked how much the content unpacks to;
/// 4. that room is reserved;
/// 5. an unprivileged qemu-img copies the content into a new qcow2, which may not outgrow what was reserved;
/// 6. the result is checked like foreign input again: who wrote it had read the upload.
/// </summary>
internal sealed class ImageImport(HostPools pools, TimeProvider time)
{
    // Tables that measure does not count, and what a file system adds.
    private const long SlackBytes = 8L << 20;
    private const int ShareOfHash = 25;
    private const long SlowestBytesPerSecond = 4L << 20;

    /// <summary>Makes the qcow2.</summary>
    /// <param name="work">Where and for whom.</param>
    /// <param name="source">The finished upload.</param>
    /// <param name="expected">The checksum that it must have; null: none was given.</param>
    /// <param name="report">Told percent and words.</param>
    /// <param name="cancellation">Ends the tools, leaving only files in the operation's own folder.</param>
    /// <returns>The status that the image will have.</returns>
    /// <exception cref="ProblemException">Refused, with the reason; or the pool is full.</exception>
    public async Task<ImageStatus> RunAsync(ImageWork work, SafeFileHandle source, ContentDigest? expected, Action<int?, string> report, CancellationToken cancellation)
    {
        var sha256 = await UploadHash.ComputeAsync(source, expected, percent => report(percent * ShareOfHash / 100, "computing the checksum"), cancellation);
        var format = ImageFormats.Detect(UploadHash.ReadStart(source, ImageFormats.StartBytes), RandomAccess.GetLength(source));
        if (format.Refusal is { } refusal) throw Refused(refusal);
        var tool = new QemuImg(work.UserId, work.Operation, time);
        report(ShareOfHash, $"reading the {format.Driver} file");
        var (virtualSize, needed) = await InspectAsync(tool, source, format, cancellation);
        if (pools.TryReserve(work.PoolId, work.Operation, "the image", needed) is { } full) throw HostPools.ProblemOf(full);
        await ConvertAsync(tool, work, source, format, needed, report, cancellation);
        return Finished(work, virtualSize) with { SourceFormat = format.Driver, Sha256 = sha256, PublishedDigest = expected?.ToString() };
    }

    /// <summary>Checks a qcow2 that a tool has written, and takes it from the tool: root's, read-only, on disk for certain.</summary>
    /// <exception cref="ProblemException">It is not the self-contained qcow2 that was to be written.</exception>
    public static ImageStatus Finished(ImageWork work, long? expectedVirtualSize)
    {
        using var folder = RootedDirectory.Open(work.Folder);
        using var file = folder.OpenFile(ImageWork.ResultName, OpenFlags.ReadOnly);
        var header = Qcow2Header.Read(UploadHash.ReadStart(file, Qcow2Header.NeededBytes), out var problem);
        if (header is not { BackingFile: null, HasDataFile: false, Encrypted: false } || header.VirtualSizeBytes > ImageRules.MaxVirtualSizeBytes)
            throw Refused($"What the tool wrote is no self-contained qcow2 image{(problem.Length > 0 ? $": {problem}" : "")}.");
        if (expectedVirtualSize is { } expected && header.VirtualSizeBytes < (ulong)expected)
            throw Refused($"What the tool wrote has {header.VirtualSizeBytes} of {expected} bytes.");
        Ownership.Change(Path.Join(work.Folder, ImageWork.ResultName), 0, 0);
        File.SetUnixFileMode(file, ImageWork.ReadOnlyFile);
        RandomAccess.FlushToDisk(file);
        return new ImageStatus
        {
            State = ContentState.Ready,
            VirtualSizeBytes = (long)header.VirtualSizeBytes,
            AllocatedBytes = FileFacts.Read(file).AllocatedBytes,
        };
    }

    private static async Task<(long VirtualSize, long Needed)> InspectAsync(QemuImg tool, SafeFileHandle source, DetectedFormat format, CancellationToken cancellation)
    {
        try
        {
            var info = await tool.InspectAsync(source, format.Driver, cancellation);
            if (info.OtherFile is { } other) throw Refused($"The upload needs another file ({other}), which is not in it and is never opened: flatten it first.");
            if (info.Encrypted) throw Refused("The upload is encrypted: decrypt it first.");
            if (info.VirtualSizeBytes is < 512 or > ImageRules.MaxVirtualSizeBytes)
                throw Refused($"The upload says to be a disk of {info.VirtualSizeBytes} bytes; images have between 512 bytes and {Sizes.Format(ImageRules.MaxVirtualSizeBytes)}.");
            return (info.VirtualSizeBytes, await tool.MeasureAsync(source, format.Driver, cancellation) + SlackBytes);
        }
        catch (CommandException failure)
        {
            throw Refused($"The upload cannot be read as {format.Driver}: {failure.Message}");
        }
        catch (TimeoutException failure)
        {
            throw Refused($"The upload cannot be read as {format.Driver}: {failure.Message}");
        }
    }

    private async Task ConvertAsync(
        QemuImg tool, ImageWork work, SafeFileHandle source, DetectedFormat format, long needed, Action<int?, string> report, CancellationToken cancellation)
    {
        using var folder = RootedDirectory.Open(work.Folder);
        using var target = folder.OpenFile(ImageWork.ResultName, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive);
        Ownership.Change(Path.Join(work.Folder, ImageWork.ResultName), work.UserId, work.UserId);
        var deadline = TimeSpan.FromMinutes(10) + TimeSpan.FromSeconds(needed / SlowestBytesPerSecond);
        try
        {
            await tool.ConvertAsync(source, format.Driver, target, needed, deadline, OnPercent, cancellation);
        }
        catch (CommandException failure) when (RandomAccess.GetLength(target) > needed - SlackBytes || pools.Room(work.PoolId).FreeBytes < SlackBytes)
        {
            throw HostPools.ProblemOf(OutOfRoom(failure));
        }
        catch (CommandException failure)
        {
            throw Refused($"The upload's content cannot be copied: {failure.Message}");
        }

        void OnPercent(int percent)
        {
            pools.Keep(work.Operation, needed - FileFacts.Read(target).AllocatedBytes);
            report(ShareOfHash + percent * (100 - ShareOfHash) / 100, $"copying from {format.Driver}");
        }
    }

    private static Failure OutOfRoom(CommandException failure) => new()
    {
        Code = PoolAccounting.PoolFull,
        Message = $"The image did not fit into the pool: {failure.Message}",
        Remedy = "Make room in the pool and ask for it again.",
    };

    private static ProblemException Refused(string why) => new(ProblemKind.Unprocessable, "image.refused", why, "The upload is kept: mend the cause, or delete it.");
}
