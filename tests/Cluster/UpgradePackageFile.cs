using Lamina.Linux.Processes;
using Lamina.Server;
using Lamina.Testing.Bed;

namespace Lamina.Tests.Cluster;

/// <summary>Packages of Lamina for upgrades: the programs under test, stamped with another version.</summary>
internal static class UpgradePackageFile
{
    private const string Programs = "usr/lib/lamina";

    /// <summary>Works as the programs under test do.</summary>
    /// <returns>The package.</returns>
    public static Task<string> MakeAsync(string folder, string version) => BuildAsync(folder, version, root => Copy(BedHost.Programs, Path.Combine(root, Programs)));

    /// <summary>Its daemon says its version, and ends at each start.</summary>
    /// <returns>The package.</returns>
    public static Task<string> MakeBrokenAsync(string folder, string version) => BuildAsync(folder, version, root =>
    {
        Directory.CreateDirectory(Path.Combine(root, Programs));
        string daemon = Path.Combine(root, Programs, VersionFolder.Program);
        File.WriteAllText(daemon, $"#!/bin/sh\n[ \"$1\" = --version ] || exit 1\necho {version}\n");
        File.SetUnixFileMode(daemon, (UnixFileMode)0b111_101_101);
    });

    private static async Task<string> BuildAsync(string folder, string version, Action<string> fill)
    {
        string root = Path.Combine(folder, $"package-{version}");
        fill(root);
        await File.WriteAllTextAsync(Path.Combine(root, Programs, BuildInformation.VersionFile), version);
        Directory.CreateDirectory(Path.Combine(root, "DEBIAN"));
        await File.WriteAllTextAsync(
            Path.Combine(root, "DEBIAN", "control"),
            $"Package: lamina\nVersion: {version}\nArchitecture: amd64\nMaintainer: The tests <noreply@lamina.invalid>\nInstalled-Size: 40000\nDescription: Lamina, stamped by a test\n");
        string package = Path.Combine(folder, $"lamina_{version}_amd64.deb");
        var spec = new CommandSpec { Program = "dpkg-deb", Arguments = ["--root-owner-group", "-Znone", "--build", root, package], Timeout = TimeSpan.FromMinutes(2) };
        (await Command.RunAsync(spec, TestContext.Current.CancellationToken)).EnsureSuccess();
        Directory.Delete(root, recursive: true);
        return package;
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
