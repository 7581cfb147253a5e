namespace Lamina.Linux.Files;

/// <summary>How to open a file: the flags of open(2), x86-64. Close-on-exec is always added.</summary>
[Flags]
public enum OpenFlags
{
    ReadOnly = 0,
    WriteOnly = 1,
    ReadWrite = 2,
    Create = 0x40,
    Exclusive = 0x80,
    Truncate = 0x200,
    NonBlocking = 0x800,

    /// <summary>Past the host's cache (O_DIRECT); EINVAL where the file system cannot.</summary>
    Direct = 0x4000,
    Directory = 0x10000,
}
