using Lamina.Server.Disks;

namespace Lamina.Server.Vms.Run;

/// <summary>What the host has made or found for one run of a VM: resolved paths and links, no more names.</summary>
internal sealed record VmMaterial
{
    /// <summary>By the disk's id.</summary>
    public required IReadOnlyDictionary<string, DiskPaths> Disks { get; init; }

    /// <summary>What the guest shall see of each disk, by the disk's id.</summary>
    public IReadOnlyDictionary<string, long> DiskSizes { get; init; } = new Dictionary<string, long>();

    /// <summary>Paths of media by their id: ISOs, floppy, kernel, initrd.</summary>
    public required IReadOnlyDictionary<string, string> Media { get; init; }

    /// <summary>Taps by the slot of their card.</summary>
    public required IReadOnlyDictionary<int, VmTap> Taps { get; init; }

    /// <summary>The cloud-init seed; null: none.</summary>
    public string? SeedPath { get; init; }

    /// <summary>UEFI variables; null: BIOS.</summary>
    public string? NvramPath { get; init; }

    /// <summary>Folder of the TPM's state; null: no TPM.</summary>
    public string? TpmFolder { get; init; }

    /// <summary>Of the TPM's state: for the engine alone, and never written anywhere.</summary>
    public ReadOnlyMemory<byte> TpmKey { get; init; }
}

/// <summary>A card's link on the host.</summary>
internal sealed record VmTap(string Name, int Mtu);

/// <summary>Which run of a VM, on which host's ground.</summary>
internal sealed record VmRunIdentity
{
    public required string VmId { get; init; }
    public required string Instance { get; init; }
    public required long Epoch { get; init; }
    public required long Run { get; init; }
    public required int UserId { get; init; }
    public required string RuntimeFolder { get; init; }
}
