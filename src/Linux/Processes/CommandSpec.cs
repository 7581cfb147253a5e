namespace Lamina.Linux.Processes;

/// <summary>A helper program to run to its end: qemu-img, nft, xorriso…</summary>
public sealed record CommandSpec
{
    /// <summary>An absolute path, or a name that is looked up by <see cref="Programs"/>.</summary>
    public required string Program { get; init; }

    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>When it is over, the whole process group is killed.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>What the program reads from its standard input; secrets belong here, never into arguments.</summary>
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>How much of each output is kept; the rest is read and dropped.</summary>
    public int MaxOutputBytes { get; init; } = 256 * 1024;

    public IReadOnlyList<ChildFile> Files { get; init; } = [];

    public IReadOnlyDictionary<string, string> Environment { get; init; } = ChildSpec.DefaultEnvironment;

    public string WorkingDirectory { get; init; } = "/";

    public ChildUser? User { get; init; }

    public ChildLimits? Limits { get; init; }
}
