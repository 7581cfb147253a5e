using Lamina.Api;

namespace Lamina.Server.Vms.Plan;

internal enum VmLiveKind
{
    /// <summary>A device that the record names and the machine does not have: off the record, and what is left of it is cleared.</summary>
    Forget,
    UnplugDisk,
    UnplugCdrom,
    UnplugNic,
    SetCpus,
    SetMemory,
    SetLimits,
    PlugDisk,
    ResizeDisk,
    ThrottleDisk,
    PlugCdrom,
    ChangeMedium,
    PlugNic,
    SetNic,
}

/// <summary>One thing to change on a running VM.</summary>
/// <param name="Kind">What.</param>
/// <param name="Slot">Of which device; 0 where there is none.</param>
/// <param name="Wanted">In which state it shall be, so that another wish is another change.</param>
internal sealed record VmLiveChange(VmLiveKind Kind, int Slot, string Wanted);

/// <summary>A member of the spec that differs from what runs.</summary>
/// <param name="Path">JSONPath in the spec.</param>
/// <param name="Change">What is done about it at once; null: nothing can be.</param>
/// <param name="Reason">Why it waits for a restart, as a sentence; null: it does not.</param>
internal sealed record VmDifference(string Path, VmLiveChange? Change, string? Reason)
{
    public static VmDifference Live(string path, VmLiveKind kind, int slot, string wanted) => new(path, new VmLiveChange(kind, slot, wanted), null);

    public static VmDifference Restart(string path, string reason) => new(path, null, reason);
}

/// <summary>A change of devices or sizes that was asked for and not ended yet.</summary>
/// <param name="Operation">Its id.</param>
/// <param name="Paths">What of the spec it has changed.</param>
/// <param name="Force">Also against the guest's will, where that can be.</param>
/// <param name="CancelRequested">Nobody waits for it any more; the spec stays as it was changed.</param>
internal sealed record ChangeOrder(string Operation, IReadOnlyList<string> Paths, bool Force, bool CancelRequested);

/// <summary>What the records say of a disk, and how large it is known to be.</summary>
internal sealed record DiskFacts(long SizeBytes, long? KnownSizeBytes);
