using Lamina.Api;

namespace Lamina.Server.Disks;

/// <summary>What a disk may be (pure). The VM's rules ask here for each disk that a request names.</summary>
internal static class DiskRules
{
    public const long MinSizeBytes = 1L << 20;
    public const long MaxSizeBytes = 64L << 40;

    /// <summary>Sectors: QEMU rounds nothing for us.</summary>
    public const int SizeUnitBytes = 512;

    public const int NotesLength = 4096;

    /// <summary>Every problem of one disk of a request.</summary>
    /// <param name="disk">As asked for.</param>
    /// <param name="image">The image it names, or the VM's image for the first disk, when that exists.</param>
    /// <param name="path">JSON path of the disk, for example <c>$.disks[0]</c>.</param>
    public static IEnumerable<InputProblem> Check(VmDiskCreate disk, Image? image, string path)
    {
        if (disk.SizeBytes is null && image is null)
        {
            yield return Problem(path + ".sizeBytes", "disk.sizeMissing", "A disk without an image needs a size, for example 10737418240 (10 GiB).");
        }

        if (disk.SizeBytes is { } size)
        {
            foreach (var problem in CheckSize(size, image, path + ".sizeBytes"))
            {
                yield return problem;
            }
        }

        if (image is not null && disk.Format == DiskFormat.Raw)
        {
            yield return Problem(path + ".format", "disk.rawClone", $"A disk made from image {image.Name} is a thin clone, which only qcow2 can be: leave the format out or write qcow2.");
        }
    }

    /// <summary>Null: the disk may become so large; else why not. A disk only grows: nobody knows what a guest has put at its end.</summary>
    public static InputProblem? CheckGrow(DiskSpec disk, long sizeBytes, string path)
    {
        if (sizeBytes < disk.SizeBytes)
            return Problem(path, "disk.shrink", $"Disk {disk.Name} has {Sizes.Format(disk.SizeBytes)} ({disk.SizeBytes} bytes), and disks only grow: ask for at least that.");
        return CheckSize(sizeBytes, null, path).FirstOrDefault();
    }

    /// <summary>Null: disks can be made from the image; else why not.</summary>
    public static InputProblem? CheckImage(Image image, string path) => image switch
    {
        { Spec.Deleting: not null } => Problem(path, "image.deleting", $"Image {image.Name} is being deleted: name another one."),
        { Status.State: ContentState.Ready } => null,
        { Status.State: ContentState.Failed } => Problem(path, "image.failed", $"Image {image.Name} could not be made ({image.Status.Failure?.Message}): delete it and make it again."),
        _ => Problem(path, "image.notReady", $"Image {image.Name} is still being made: wait for its operation (lamina operation list)."),
    };

    /// <summary>The size that the disk gets; call it only when <see cref="Check"/> found nothing.</summary>
    public static long Size(VmDiskCreate disk, Image? image) =>
        disk.SizeBytes ?? image?.Status?.VirtualSizeBytes ?? throw new ArgumentException("A disk without size and image was not refused.", nameof(disk));

    private static IEnumerable<InputProblem> CheckSize(long size, Image? image, string path)
    {
        if (size is < MinSizeBytes or > MaxSizeBytes)
        {
            yield return Problem(path, "disk.sizeRange", $"A disk of {Sizes.Format(size)} cannot be made: the size lies between {Sizes.Format(MinSizeBytes)} and {Sizes.Format(MaxSizeBytes)}.");
        }
        else if (size % SizeUnitBytes != 0)
        {
            yield return Problem(path, "disk.sizeUnit", $"A disk's size is a multiple of {SizeUnitBytes} bytes; {size - size % SizeUnitBytes} is the nearest below.");
        }

        if (image?.Status is { State: ContentState.Ready, VirtualSizeBytes: var needed } && size < needed)
        {
            yield return Problem(path, "disk.smallerThanImage", $"Image {image.Name} is {Sizes.Format(needed)} ({needed} bytes), bigger than the disk asked for ({Sizes.Format(size)}): ask for at least {needed} bytes, or leave the size out.");
        }
    }

    private static InputProblem Problem(string path, string code, string message) => new() { Path = path, Code = code, Message = message };
}
