using Lamina.Linux;
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

    private const string Arriving = "tpm-arriving", Left = "tpm-left";

    /// <summary>Makes the folder if it is not there; swtpm makes a new TPM in an empty one. What a host that died has left of an arrival is ended first.</summary>
    public static string Ensure(PoolPaths pool, string vmId)
    {
        using var root = RootedDirectory.Open(pool.Root);
        root.CreateDirectory(Path.Join("vms", vmId));
        if (root.Find(PathOf(vmId, Arriving)) is not null)
        {
            // Without the other it had been taken for good.
            if (root.Find(PathOf(vmId, "tpm")) is null) root.Rename(PathOf(vmId, Arriving), PathOf(vmId, "tpm"));
            else root.DeleteDirectory(PathOf(vmId, Arriving));
        }

        root.CreateDirectory(PathOf(vmId, "tpm"));
        return StateFolder(pool, vmId);
    }

    /// <summary>
    /// An empty folder of its own for a TPM that comes with its guest, which runs at another host: QEMU brings all that it holds. Where both hosts have the pool, the
    /// TPM there has its folder still, and may have to go on in it.
    /// </summary>
    public static string MakeArrival(PoolPaths pool, string vmId)
    {
        using var root = RootedDirectory.Open(pool.Root);
        root.CreateDirectory(Path.Join("vms", vmId));
        root.DeleteDirectory(PathOf(vmId, Arriving));
        root.CreateDirectory(PathOf(vmId, Arriving));
        return Path.Join(pool.VmFolder(vmId), Arriving);
    }

    /// <summary>The guest runs here: its TPM's folder takes the place of the former one. swtpm has it open, whatever it is called. Safe to repeat.</summary>
    public static void KeepArrival(PoolPaths pool, string vmId)
    {
        using var root = RootedDirectory.Open(pool.Root);
        if (root.Find(PathOf(vmId, Arriving)) is not null)
        {
            // At each moment one of them is whole, and it can be told which is meant.
            if (root.Find(PathOf(vmId, "tpm")) is not null)
            {
                root.DeleteDirectory(PathOf(vmId, Left));
                root.Rename(PathOf(vmId, "tpm"), PathOf(vmId, Left));
            }

            CrashPoints.Reached("tpm", "arrival", "put away");
            root.Rename(PathOf(vmId, Arriving), PathOf(vmId, "tpm"));
        }

        root.DeleteDirectory(PathOf(vmId, Left));
    }

    /// <summary>It did not come. Nothing there is fine.</summary>
    public static void RemoveArrival(PoolPaths pool, string vmId)
    {
        using var root = RootedDirectory.Open(pool.Root);
        root.DeleteDirectory(PathOf(vmId, Arriving));
    }

    private static string PathOf(string vmId, string folder) => Path.Join("vms", vmId, folder);
}
