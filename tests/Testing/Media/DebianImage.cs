namespace Lamina.Testing.Media;

/// <summary>The image debian/12 as `lamina image build` makes it: cloud-init, guest agent, BIOS and UEFI; some 60 s to its log-in under TCG.</summary>
public static class DebianImage
{
    /// <summary>Makes it (one to two minutes, over the network) or finds it.</summary>
    /// <returns>A qcow2 of some 150 MB. Tests give VMs an overlay or a copy, never this file.</returns>
    public static async Task<string> GetAsync(CancellationToken cancellation)
    {
        var builders = Repository.PathOf("src", "Server", "Images", "Builders");
        string[] scripts =
        [
            Repository.PathOf("tests", "Testing", "Media", "debian-image.sh"), Path.Combine(builders, "debian-12.sh"),
            Path.Combine(builders, "boot-disk.sh"),
        ];
        var folder = await MediaCache.GetAsync("debian-12", scripts, TimeSpan.FromMinutes(15), cancellation);
        return Path.Combine(folder, "debian-12.qcow2");
    }
}
