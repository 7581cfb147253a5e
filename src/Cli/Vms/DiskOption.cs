using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary>A disk as people write it: <c>10GiB</c>, <c>10GiB,pool=fast,bus=scsi</c>, <c>image=data,pool=fast</c>.</summary>
internal static class DiskOption
{
    private const string None = "none";

    public static Option<string[]> Make() => new("--disk")
    {
        Description = "a disk: SIZE[,pool=NAME][,bus=virtio|scsi|sata][,image=NAME]; may be repeated; the first one is the image's, when there is one; none for no disk",
        HelpName = "size,pool=…",
        AllowMultipleArgumentsPerToken = false,
    };

    /// <summary>Null: none was spoken of.</summary>
    /// <param name="texts">The option's values.</param>
    /// <param name="image">Of the first disk.</param>
    /// <param name="pool">Of those that name no other.</param>
    /// <param name="bus">Of those that name no other.</param>
    /// <exception cref="CliException">One of them is none.</exception>
    public static List<VmDiskCreate>? Read(string[] texts, string? image, string? pool, DiskBus? bus)
    {
        if (texts is [None])
            return image is null ? [] : throw new CliException(ExitCode.Usage, "--disk none does not go with --image, which makes a disk", "leave one of them out");
        var disks = texts.Select(text => Parse(text)).Select(disk => disk with { Pool = disk.Pool ?? pool, Bus = disk.Bus ?? bus }).ToList();
        if (image is null) return disks.Count == 0 ? null : disks;
        if (disks.Count > 0) disks[0] = disks[0] with { Image = disks[0].Image ?? image };
        else if (bus is not null || pool is not null) disks.Add(new VmDiskCreate { Image = image, Bus = bus, Pool = pool });
        return disks.Count == 0 ? null : disks;
    }

    /// <exception cref="CliException">It is none.</exception>
    public static VmDiskCreate Parse(string text)
    {
        var disk = new VmDiskCreate();
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var (key, value) = part.Split('=', 2) is [var before, var after] ? (before, after) : ("size", part);
            disk = key switch
            {
                "size" when Sizes.TryParse(value, out long bytes) => disk with { SizeBytes = bytes },
                "size" => throw Malformed(text, $"{value} is no size"),
                "pool" => disk with { Pool = value },
                "image" => disk with { Image = value },
                "bus" => disk with { Bus = Enum.TryParse<DiskBus>(value, ignoreCase: true, out var bus) && Enum.IsDefined(bus) ? bus : throw Malformed(text, $"bus is virtio, scsi or sata, not {value}") },
                _ => throw Malformed(text, $"'{key}' is unknown"),
            };
        }

        return disk;
    }

    private static CliException Malformed(string text, string why) => new(ExitCode.Usage, $"--disk {text}: {why}", "write for example --disk 10GiB or --disk 10GiB,pool=fast");
}
