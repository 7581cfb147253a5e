using System.Text;

namespace Lamina.Testing.Media;

/// <summary>
/// The small guest of most tests: Debian's cloud kernel and busybox, ready in 3 to 5 s under TCG with 128 MiB or more. What it does (serial shell,
/// DHCP, power button, guest agent, cidata CD) is said in `small-linux.sh` beside this file.
/// </summary>
public sealed record SmallLinux
{
    /// <summary>The line on ttyS0 that says the guest is up; the guest's boot id follows it.</summary>
    public const string Ready = "GUEST-READY boot=";

    /// <summary>The line on ttyS0 that carries the guest's IPv4 address.</summary>
    public const string Address = "GUEST-ADDRESS ";

    /// <summary>The line on ttyS0 that says that the guest agent was started.</summary>
    public const string Agent = "GUEST-AGENT";

    /// <summary>The line on ttyS0 that ends a <see cref="Run"/>; the exit status follows it.</summary>
    public const string RunExit = "RUN-EXIT ";

    /// <summary>The kernel's command line that every boot needs; arguments are appended after a space.</summary>
    public const string CommandLine = "console=ttyS0 quiet";

    public required string Kernel { get; init; }

    public required string Initrd { get; init; }

    /// <summary>The same system as a disk (qcow2, 67 MiB), for BIOS and UEFI. Tests give VMs an overlay or a copy, never this file.</summary>
    public required string Disk { get; init; }

    /// <summary>The kernel argument that makes the guest run a shell script once it is up.</summary>
    public static string Run(string script) => "run64=" + Convert.ToBase64String(Encoding.UTF8.GetBytes(script));

    /// <summary>Makes it (some 10 s) or finds it.</summary>
    public static async Task<SmallLinux> GetAsync(CancellationToken cancellation)
    {
        var here = Repository.PathOf("tests", "Testing", "Media");
        string[] scripts =
        [
            Path.Combine(here, "small-linux.sh"), Path.Combine(here, "small-linux"),
            Repository.PathOf("src", "Server", "Images", "Builders", "boot-disk.sh"),
        ];
        var folder = await MediaCache.GetAsync("small-linux", scripts, TimeSpan.FromMinutes(5), cancellation);
        return new SmallLinux
        {
            Kernel = Path.Combine(folder, "vmlinuz"),
            Initrd = Path.Combine(folder, "initrd.gz"),
            Disk = Path.Combine(folder, "disk.qcow2"),
        };
    }
}
