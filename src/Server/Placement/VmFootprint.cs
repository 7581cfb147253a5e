using Lamina.Api;

namespace Lamina.Server.Placement;

/// <summary>What one running VM takes of its host's memory (decision 10). All in MiB.</summary>
internal sealed record VmFootprint
{
    /// <summary>Video memory of the standard VGA that every VM has.</summary>
    public const int VideoMiB = 16;

    /// <summary>What QEMU itself needs beside the guest, as placement counts it.</summary>
    private const int ProcessMiB = 64;

    /// <summary>What QEMU itself may take at the most before the cgroup's limit ends it: bursts of I/O are not to kill a guest.</summary>
    private const int ProcessLimitMiB = 256;

    /// <summary>Size of TCG's translation cache; 0 under KVM, which has none and refuses the property.</summary>
    public required int TranslationCacheMiB { get; init; }

    /// <summary>What admission and placement count.</summary>
    public required int AdmissionMiB { get; init; }

    /// <summary>Where the cgroup's limit lies.</summary>
    public required int LimitMiB { get; init; }

    public static VmFootprint Of(int memoryMiB, AcceleratorKind accelerator)
    {
        int cache = TranslationCache(memoryMiB, accelerator);
        return new VmFootprint
        {
            TranslationCacheMiB = cache,
            AdmissionMiB = Admission(memoryMiB, accelerator),
            LimitMiB = memoryMiB + ProcessLimitMiB + cache + VideoMiB,
        };
    }

    /// <summary><see cref="AdmissionMiB"/> alone: placement asks for it ten thousand times for one decision.</summary>
    public static int Admission(int memoryMiB, AcceleratorKind accelerator) => memoryMiB + ProcessMiB + TranslationCache(memoryMiB, accelerator) + VideoMiB;

    private static int TranslationCache(int memoryMiB, AcceleratorKind accelerator) => accelerator == AcceleratorKind.Tcg ? Math.Clamp(memoryMiB / 4, 32, 128) : 0;
}
