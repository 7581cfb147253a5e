using Lamina.Linux.Files;
using Lamina.Server.Pools;

namespace Lamina.Server.Disks;

/// <summary>
/// Where the state of a VM's TPM lies. swtpm writes it whole into a file of its own, beside the old one, and renames it before it answers the command
/// that changed it: so whenever the guest's CPUs stand still, the folder holds the TPM of that moment, and copying its files copies the TPM. What a TPM keeps
/// until the next reset only (PCRs, sessions) is in QEMU's migration stream, with the memory. The files are encrypted; their key is the secret that
/// <c>VmTpm.Secret</c> names.
/// </summary>
internal static class HostTpm
{
    /// <summary>The folder of plain files; it changes its owner at each start.</summary>
    public static string StateFolder(PoolPaths pool, string vmId) => pool.Tpm(vmId);

    /// <summary>Makes the folder if it is not there; swtpm makes a new TPM in an empty one.</summary>
    public static string Ensure(PoolPaths pool, string vmId)
    {
        using var root = RootedDirectory.Open(pool.Root);
        root.CreateDirectory(Path.Join("vms", vmId));
        root.CreateDirectory(Path.Join("vms", vmId, "tpm"));
        return StateFolder(pool, vmId);
    }
}
