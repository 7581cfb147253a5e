namespace Lamina.Engine;

/// <summary>Runs VMs on this machine, one process each. Knows nothing of stores, HTTP or users.</summary>
public interface IVmEngine
{
    /// <summary>What this machine can run; probed once per engine binary, then answered from a cache.</summary>
    /// <exception cref="VmEngineException">The engine's program is missing or does not answer.</exception>
    Task<EngineCapabilities> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Creates the VM's process in its own cgroup with the guest's CPUs stopped, and returns when it answers. Either the VM
    /// is there afterwards, or nothing of it is: no process, cgroup, socket or file. The caller commits "starting" to its
    /// store meanwhile (D2), and only then calls <see cref="IVm.ContinueAsync"/>.
    /// </summary>
    /// <exception cref="VmEngineException">It could not start; the message carries the engine's own words and a remedy.</exception>
    Task<IVm> StartPausedAsync(VmDefinition definition, CancellationToken cancellationToken);

    /// <summary>
    /// Takes up a VM that an earlier daemon started, from its runtime folder. A living process whose monitor does not
    /// answer is attached too, and reported by <see cref="VmMonitorLost"/>: silence is never taken for death.
    /// </summary>
    /// <exception cref="VmEngineException">The folder holds no readable record.</exception>
    Task<AttachOutcome> AttachAsync(string runtimeFolder, CancellationToken cancellationToken);

    /// <summary>
    /// Removes what a dead run left behind: its cgroup and runtime folder. Called once its end is recorded in the store; until then
    /// the folder lets a restarted daemon learn of the run. Nothing there is fine.
    /// </summary>
    /// <exception cref="VmEngineException">The run is alive.</exception>
    Task ForgetAsync(string runtimeFolder, CancellationToken cancellationToken);
}

/// <summary>What was found in a runtime folder.</summary>
public sealed record AttachOutcome
{
    public required RunRecord Record { get; init; }
    /// <summary>Null = dead: its cgroup is empty.</summary>
    public IVm? Vm { get; init; }
}

/// <summary>The content of <c>definition.json</c> (D16): what was started, and by which boot of the host.</summary>
public sealed record RunRecord
{
    public const string FileName = "definition.json";

    public required VmDefinition Definition { get; init; }
    /// <summary>The host's <c>/proc/sys/kernel/random/boot_id</c> at the start.</summary>
    public required string HostBootId { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    /// <summary>The command line, as <c>vm qemu-args</c> shows it.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }
    public required string EngineVersion { get; init; }
}

/// <summary>What the engine's program and this machine offer.</summary>
public sealed record EngineCapabilities
{
    public required string Binary { get; init; }
    /// <summary>Such as <c>7.2.22</c>.</summary>
    public required string Version { get; init; }
    public required Accelerator Accelerator { get; init; }
    /// <summary>Why this accelerator, in human words.</summary>
    public required string AcceleratorReason { get; init; }
    /// <summary>The newest versioned q35 type, such as <c>pc-q35-7.2</c>.</summary>
    public required string DefaultMachineType { get; init; }
    /// <summary>The newest versioned i440fx type, for what needs a floppy.</summary>
    public required string DefaultPcMachineType { get; init; }
    public required IReadOnlyList<string> MachineTypes { get; init; }
    /// <summary>The newest model without a missing feature on this accelerator (D8).</summary>
    public required string DefaultCpuModel { get; init; }
    public required IReadOnlyList<CpuModelInfo> CpuModels { get; init; }
    /// <summary>Most vCPUs of <see cref="DefaultMachineType"/>.</summary>
    public required int MaxCpus { get; init; }
    /// <summary>Null = not installed.</summary>
    public UefiFirmware? Uefi { get; init; }
    /// <summary>UEFI that can enforce Secure Boot, with Microsoft's keys in its template; null = not installed.</summary>
    public UefiFirmware? SecureUefi { get; init; }
    /// <summary>Why no guest can come here in post-copy, and what to do; null = it can.</summary>
    public string? PostCopyProblem { get; init; }
    /// <summary>The TPM emulator's path; null = not installed.</summary>
    public string? TpmProgram { get; init; }
}

public sealed record CpuModelInfo
{
    public required string Name { get; init; }
    /// <summary>Empty = the model runs here whole.</summary>
    public required IReadOnlyList<string> UnavailableFeatures { get; init; }
}

/// <summary>OVMF's files on this machine.</summary>
public sealed record UefiFirmware
{
    public required string CodePath { get; init; }
    /// <summary>The template from which a VM's NVRAM is copied.</summary>
    public required string VarsTemplatePath { get; init; }
}
