using System.Globalization;
using System.Text;
using Lamina.Linux.Files;
using Lamina.Server.Pools;

namespace Lamina.Server.Disks;

/// <summary>A VM's own copy of OVMF's variables: boot entries and keys that its firmware writes.</summary>
internal static class HostNvram
{
    /// <summary>Debian's package ovmf.</summary>
    public const string Template = "/usr/share/OVMF/OVMF_VARS_4M.fd";

    /// <summary>The code that goes with <see cref="Template"/>.</summary>
    public const string Code = "/usr/share/OVMF/OVMF_CODE_4M.fd";

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>How many resets the copy has seen. Not beside it: a snapshot that is restored brings back the copy, and no reset that is over.</summary>
    private const string ResetsName = "nvram-resets";

    /// <summary>
    /// Copies the template once; a copy that is there is the VM's and is left alone, until one more reset is asked for. Safe to repeat: after a death in
    /// between, the template is copied again.
    /// </summary>
    /// <param name="pool">Where the VM's first disk lies.</param>
    /// <param name="vmId">The VM.</param>
    /// <param name="template">The variables to begin with.</param>
    /// <param name="resets">How many resets were asked for in the VM's life.</param>
    /// <returns>The path of the copy.</returns>
    /// <exception cref="ProblemException">OVMF is not installed.</exception>
    public static string Ensure(PoolPaths pool, string vmId, string template = Template, int resets = 0)
    {
        var path = pool.Nvram(vmId);
        if (File.Exists(path) && ResetsSeen(pool, vmId) == resets) return path;
        if (!File.Exists(template)) throw new ProblemException(
            ProblemKind.Unprocessable, "firmware.missing", $"This host has no UEFI firmware: {template} is not there.", "Install the package ovmf, or use BIOS firmware.");
        using (var root = RootedDirectory.Open(pool.Root))
        {
            root.CreateDirectory(Path.Join("vms", vmId));
            root.CreateDirectory(Path.Join("vms", vmId, "nvram"));
        }

        DurableFile.Write(path, File.ReadAllBytes(template), Private);
        if (resets > 0) DurableFile.Write(ResetsFile(pool, vmId), Encoding.ASCII.GetBytes(resets.ToString(CultureInfo.InvariantCulture)), Private);
        return path;
    }

    private static int ResetsSeen(PoolPaths pool, string vmId) =>
        File.Exists(ResetsFile(pool, vmId)) && int.TryParse(File.ReadAllText(ResetsFile(pool, vmId)), NumberStyles.None, CultureInfo.InvariantCulture, out int seen) ? seen : 0;

    private static string ResetsFile(PoolPaths pool, string vmId) => Path.Join(pool.VmFolder(vmId), ResetsName);
}
