namespace Lamina.Linux.Host;

/// <summary>Whether guests can run on the processor itself, and why not.</summary>
public sealed record KvmVerdict
{
    /// <summary>KVM truly runs a guest here.</summary>
    public required bool Works { get; init; }

    /// <summary>False: KVM has not answered yet, and may still do so.</summary>
    public bool IsFinal { get; init; } = true;

    /// <summary>"AMD EPYC".</summary>
    public required string Processor { get; init; }

    /// <summary>For people: "no AMD-V here".</summary>
    public required string Reason { get; init; }

    /// <summary>EPT or NPT: the processor translates a guest's addresses itself.</summary>
    public bool HasNestedPaging { get; init; }

    /// <summary>Devices can be given to guests.</summary>
    public bool HasIommu { get; init; }

    /// <summary>One line: "AMD EPYC, no AMD-V here → guests run under software translation (slower)".</summary>
    public string Summary =>
        $"{Processor}, {Reason} → {(Works ? "guests run on the processor itself (KVM)" : "guests run under software translation (slower)")}";

    /// <summary>Puts together what was read and tried.</summary>
    /// <param name="cpu">The processor.</param>
    /// <param name="tried">How a try of /dev/kvm ended; null when the processor made a try pointless.</param>
    /// <param name="hasIommu">Whether the kernel knows groups of devices.</param>
    internal static KvmVerdict From(CpuFacts cpu, KvmTrial? tried, bool hasIommu)
    {
        var feature = cpu.Vendor == "GenuineIntel" ? "VT-x" : "AMD-V";
        var hasNestedPaging = cpu.Flags.Contains("ept") || cpu.Flags.Contains("npt");
        return new()
        {
            Works = HasExtension(cpu) && tried is { Failure: null },
            IsFinal = !HasExtension(cpu) || tried is not { HasAnswered: false },
            Processor = cpu.Model.Length == 0 ? cpu.Vendor : cpu.Model,
            Reason = !HasExtension(cpu) ? $"no {feature} here"
                : tried?.Failure is { } failure ? $"{feature} is there, but {failure}"
                : hasNestedPaging ? $"{feature} with nested paging"
                : feature,
            HasNestedPaging = hasNestedPaging,
            HasIommu = hasIommu,
        };
    }

    internal static bool HasExtension(CpuFacts cpu) => cpu.Flags.Contains("vmx") || cpu.Flags.Contains("svm");
}

/// <summary>How a try of /dev/kvm ended.</summary>
/// <param name="Failure">Null: a guest ran. Else what is wrong, in words that follow "but".</param>
internal sealed record KvmTrial(string? Failure)
{
    public bool HasAnswered { get; init; } = true;
}
