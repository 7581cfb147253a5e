namespace Lamina.Engine.Qemu;

/// <summary>What an answer of QEMU depends on; when any of it differs, QEMU is asked again.</summary>
/// <param name="Form">Of the record itself: a newer daemon asks more.</param>
/// <param name="Binary">The real path of the program.</param>
/// <param name="BinarySizeBytes">Of the program's file.</param>
/// <param name="BinaryModifiedAt">Of the program's file.</param>
/// <param name="Accelerator">The one asked about.</param>
/// <param name="Host">Processor and kernel: under KVM the features follow them.</param>
internal sealed record QemuProbeKey(int Form, string Binary, long BinarySizeBytes, DateTimeOffset BinaryModifiedAt,
    Accelerator Accelerator, string Host)
{
    public const int CurrentForm = 1;
}

/// <summary>What one QEMU binary answered under one accelerator; kept on disk.</summary>
internal sealed record QemuProbeResult
{
    public required QemuProbeKey Key { get; init; }
    public required string Version { get; init; }
    /// <summary>Versioned ones, newest first.</summary>
    public required IReadOnlyList<string> MachineTypes { get; init; }
    public required int MaxCpus { get; init; }
    public required IReadOnlyList<CpuModelInfo> CpuModels { get; init; }
    public required QemuFeatures Features { get; init; }
}
