namespace Lamina.Testing.Media;

/// <summary>
/// Debian 12 as a host for Lamina, to be run as a guest: systemd, cgroup v2, Debian's generic kernel, QEMU and everything else that the package needs.
/// How it is started, and what is in it, is said in `nested-host.sh` beside this file.
/// </summary>
public sealed record NestedHostDisk
{
    public required string Kernel { get; init; }

    public required string Initrd { get; init; }

    /// <summary>A qcow2 that is a root file system. It is given as an overlay's base, never written.</summary>
    public required string Disk { get; init; }

    /// <summary>Makes it (one to three minutes, over the network) or finds it.</summary>
    public static async Task<NestedHostDisk> GetAsync(CancellationToken cancellation)
    {
        var builders = Repository.PathOf("src", "Server", "Images", "Builders");
        string[] scripts =
        [
            Repository.PathOf("tests", "Testing", "Media", "nested-host.sh"), Path.Combine(builders, "boot-disk.sh"),
            Path.Combine(builders, "debian-sources.sh"), Repository.PathOf("dev.d", "packages.sh"),
        ];
        var folder = await MediaCache.GetAsync("nested-host", scripts, TimeSpan.FromMinutes(20), cancellation);
        return new()
        {
            Kernel = Path.Combine(folder, "vmlinuz"),
            Initrd = Path.Combine(folder, "initrd.img"),
            Disk = Path.Combine(folder, "disk.qcow2"),
        };
    }
}
