namespace Lamina.Linux.Processes;

/// <summary>Resource limits of a child, soft and hard alike (getrlimit(2)); null leaves ours. Set by `prlimit` (util-linux) before the program runs.</summary>
public sealed record ChildLimits
{
    public ulong? AddressSpaceBytes { get; init; }

    public ulong? CpuSeconds { get; init; }

    public ulong? FileSizeBytes { get; init; }

    public ulong? OpenFiles { get; init; }

    public ulong? CoreBytes { get; init; }

    internal IEnumerable<string> ToArguments() =>
        new (string Name, ulong? Value)[]
        {
            ("as", AddressSpaceBytes),
            ("cpu", CpuSeconds),
            ("fsize", FileSizeBytes),
            ("nofile", OpenFiles),
            ("core", CoreBytes),
        }.Where(limit => limit.Value is not null).Select(limit => $"--{limit.Name}={limit.Value}:{limit.Value}");
}
