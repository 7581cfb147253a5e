namespace Lamina.Testing.Media;

/// <summary>
/// Bootable media that nobody here made: from Debian packages which `./dev` installs, and FreeDOS, which no package has. What each of them shows
/// after power-on is said with it.
/// </summary>
public static class ReadyMedia
{
    /// <summary>An ISO for BIOS and UEFI; its picture shows "Memtest86+". Nothing on the serial line.</summary>
    public static string Memtest => Installed("/usr/lib/memtest86+/memtest86+x64.iso", "memtest86+");

    /// <summary>An ISO; a GRUB prompt or menu on the screen within 5 s on BIOS.</summary>
    public static string GrubRescueIso => Installed("/usr/lib/grub-rescue/grub-rescue-cdrom.iso", "grub-rescue-pc");

    /// <summary>A raw floppy, for machine type pc.</summary>
    public static string GrubRescueFloppy => Installed("/usr/lib/grub-rescue/grub-rescue-floppy.img", "grub-rescue-pc");

    /// <summary>A small ISO with a screen and a NIC: asks for DHCP within 6 s.</summary>
    public static string IpxeIso => Installed("/usr/lib/ipxe/ipxe.iso", "ipxe");

    /// <summary>Debian's installer, with <see cref="InstallerInitrd"/>: dialogs on ttyS0 within 35 s, with 1 GiB.</summary>
    public static string InstallerKernel => Installed($"{InstallerFolder}/linux", "debian-installer-12-netboot-amd64");

    public static string InstallerInitrd => Installed($"{InstallerFolder}/initrd.gz", "debian-installer-12-netboot-amd64");

    /// <summary>
    /// A FreeDOS boot floppy (raw, 1.44 MB): an A:\> prompt on the screen in seconds on machine type pc. Null where it is not at hand: LAMINA_FREEDOS
    /// names it, else it is looked for in ../shared/media beside the repository. A test skips with <see cref="FreeDosAbsent"/>.
    /// </summary>
    public static string? FreeDosFloppy { get; } = FindFreeDos();

    public const string FreeDosAbsent = "no FreeDOS floppy: set LAMINA_FREEDOS to freedos-1.4M.img";

    private const string InstallerFolder = "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64";

    private static string Installed(string path, string package) =>
        File.Exists(path) ? path : throw new FileNotFoundException($"{path} is missing: install the package {package} (`./dev test` does)", path);

    private static string? FindFreeDos()
    {
        var named = Environment.GetEnvironmentVariable("LAMINA_FREEDOS");
        string[] places = [named ?? "", Path.Combine(Repository.Root, "..", "shared", "media", "freedos-1.4M.img")];
        return places.FirstOrDefault(File.Exists) is { } found ? Path.GetFullPath(found) : null;
    }
}
