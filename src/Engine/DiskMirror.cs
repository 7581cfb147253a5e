namespace Lamina.Engine;

/// <summary>A running disk that is to go on in another file: all it holds is copied while its guest goes on, then the guest is switched over.</summary>
/// <param name="Job">Id of QEMU's job; it begins with a letter, and its end tells one mirror of a disk from a later one.</param>
/// <param name="Slot">The disk's.</param>
/// <param name="Path">An empty file of the disk's size, which nothing else has open.</param>
/// <param name="Format">Of that file.</param>
public sealed record DiskMirror(string Job, int Slot, string Path, DiskFormat Format)
{
    private const int TailLength = 12;

    /// <summary>The node of the file that it goes to.</summary>
    public string Node
    {
        get
        {
            var plain = Job.Replace("-", "", StringComparison.Ordinal);
            return $"disk{Slot}-m{(plain.Length > TailLength ? plain[^TailLength..] : plain)}";
        }
    }
}

/// <summary>How far a mirror has come.</summary>
public enum MirrorPhase
{
    /// <summary>There is none: not begun, failed, or given up. The guest uses the files that it had.</summary>
    None,

    /// <summary>The guest uses the files that it had, and what it writes goes to both.</summary>
    UnderWay,

    /// <summary>The guest uses the new file.</summary>
    Switched,
}
