using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>What the file system knows of a file.</summary>
/// <param name="Kind">File, folder, or something else (link, device, socket…).</param>
/// <param name="SizeBytes">Its length.</param>
/// <param name="AllocatedBytes">What it takes of the disk: less for a sparse one.</param>
/// <param name="UserId">The owner.</param>
/// <param name="GroupId">The owning group.</param>
/// <param name="Mode">The permission bits.</param>
public sealed record FileFacts(FileKind Kind, long SizeBytes, long AllocatedBytes, uint UserId, uint GroupId, UnixFileMode Mode)
{
    /// <summary>Which file it is: of no other one at the same time on this machine.</summary>
    public FileIdentity Identity { get; init; }

    internal const uint BasicFacts = 0x7ff;
    private const int KindMask = 0xf000;
    private const int KindRegular = 0x8000;
    private const int KindDirectory = 0x4000;

    public static FileFacts Read(SafeFileHandle file) =>
        Libc.statx(file, "", Libc.AtEmptyPath, BasicFacts, out var facts) == 0
            ? From(facts)
            : throw LinuxException.Last("read the facts of an open file");

    /// <summary>Of a name in an open folder; a symbolic link is not followed. Null when it is not there.</summary>
    internal static FileFacts? Find(SafeFileHandle directory, string name)
    {
        if (Libc.statx(directory, name, Libc.AtSymbolicLinkNoFollow, BasicFacts, out var facts) == 0) return From(facts);
        var error = LinuxException.Last($"read the facts of {name}");
        return error.ErrorNumber == Errno.NoEntry ? null : throw error;
    }

    internal static FileFacts From(in Libc.StatX facts) => new(
        (facts.Mode & KindMask) switch
        {
            KindRegular => FileKind.File,
            KindDirectory => FileKind.Directory,
            _ => FileKind.Other,
        },
        (long)facts.SizeBytes,
        (long)facts.Blocks512 * 512,
        facts.UserId,
        facts.GroupId,
        (UnixFileMode)(facts.Mode & 0xfff))
    {
        Identity = new(facts.DeviceMajor, facts.DeviceMinor, facts.Inode),
    };
}

/// <summary>A file among all of the machine: its file system, and its number there.</summary>
public readonly record struct FileIdentity(uint DeviceMajor, uint DeviceMinor, ulong Inode);

public enum FileKind
{
    File,
    Directory,
    Other,
}
