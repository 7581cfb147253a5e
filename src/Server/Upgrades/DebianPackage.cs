using Lamina.Linux;
using Lamina.Linux.Processes;

namespace Lamina.Server.Upgrades;

/// <summary>What a package file says of itself (deb-control(5)).</summary>
/// <param name="Version">Of Lamina.</param>
/// <param name="InstalledBytes">What it takes when unpacked.</param>
internal sealed record DebianPackage(string Version, long InstalledBytes)
{
    /// <summary>Where the programs lie in it.</summary>
    public const string ProgramFolder = "usr/lib/lamina";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <exception cref="ProblemException">It is no package of Lamina.</exception>
    public static async Task<DebianPackage> ReadAsync(string file, CancellationToken cancellationToken)
    {
        var fields = (await RunAsync(["--field", file], cancellationToken)).Split('\n')
            .Select(line => line.Split(':', 2)).Where(parts => parts.Length == 2)
            .ToLookup(parts => parts[0], parts => parts[1].Trim(), StringComparer.Ordinal);
        string? package = fields["Package"].FirstOrDefault();
        string? version = fields["Version"].FirstOrDefault();
        if (package != "lamina" || string.IsNullOrEmpty(version) || version.Contains('/', StringComparison.Ordinal)) throw Invalid($"it is the package '{package}'");
        return new DebianPackage(version, long.TryParse(fields["Installed-Size"].FirstOrDefault(), out long kib) ? kib << 10 : 0);
    }

    /// <summary>Unpacks it all; runs nothing of it.</summary>
    public static Task ExtractAsync(string file, string folder, CancellationToken cancellationToken) => RunAsync(["--extract", file, folder], cancellationToken);

    private static async Task<string> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        CommandResult result;
        try
        {
            result = await Command.RunAsync(new CommandSpec { Program = "dpkg-deb", Arguments = arguments, Timeout = Patience }, cancellationToken);
        }
        catch (LinuxException missing)
        {
            throw new ProblemException(ProblemKind.Unprocessable, "upgrade.noDpkg", $"Packages cannot be read here: {missing.Message}", "Install dpkg.", missing);
        }

        return result.Exit.ExitCode == 0 ? result.OutputText : throw Invalid(result.ErrorText.Trim());
    }

    private static ProblemException Invalid(string why) => new(
        ProblemKind.Unprocessable, "upgrade.packageInvalid", $"That is no package of Lamina: {why}.", "Name the file lamina_VERSION_amd64.deb.");
}
