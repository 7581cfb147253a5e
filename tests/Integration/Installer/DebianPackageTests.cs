using Lamina.Linux.Processes;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Integration.Installer;

/// <summary>The package of the published programs, looked at as dpkg sees it. Whether it installs, upgrades and goes is `./dev nested`'s to show.</summary>
public sealed class DebianPackageTests : IClassFixture<DebianPackageTests.Package>
{
    private readonly Package package;

    public DebianPackageTests(Package package) => this.package = package;

    [Fact]
    public async Task It_names_what_it_needs()
    {
        string control = await package.AskAsync("--info", package.File);
        Assert.Contains("Package: lamina\n", control.Replace("\n ", "\n", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains(" Version: 1.2.3~test\n", control, StringComparison.Ordinal);
        string depends = control.Split('\n').Single(line => line.StartsWith(" Depends: ", StringComparison.Ordinal));
        foreach (string needed in (string[])["libc6 (>= 2.", "libssl3", "qemu-system-x86", "qemu-utils", "ovmf", "dnsmasq-base", "nftables", "xorriso", "debconf"])
            Assert.Contains(needed, depends, StringComparison.Ordinal);
        Assert.DoesNotMatch("@[A-Z_]+@", control); // a placeholder of the template
    }

    [Fact]
    public async Task Its_files_lie_where_Debian_expects_them_and_belong_to_root()
    {
        string[] lines = (await package.AskAsync("--contents", package.File)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] paths = [.. lines.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[5])];
        foreach (string wanted in (string[])
        [
            "./usr/bin/lamina", "./usr/sbin/laminad", "./usr/lib/lamina/laminad", "./usr/lib/lamina/libe_sqlite3.so", "./usr/lib/lamina/builders/debian-12.sh",
            "./usr/lib/systemd/system/lamina.service", "./usr/lib/systemd/system/lamina-guests.service", "./etc/lamina/lamina.yaml",
            "./usr/share/bash-completion/completions/lamina", "./usr/share/doc/lamina/copyright", "./usr/share/doc/lamina/changelog.gz",
        ])
            Assert.Contains(wanted, paths);
        Assert.All(lines, line => Assert.Contains(" root/root ", line, StringComparison.Ordinal));
        Assert.All(lines, line => Assert.Matches("^(d|-|l)rw[x-](r-[x-]r-[x-]|rwxrwx) ", line));
        Assert.DoesNotContain(paths, path => path.StartsWith("./usr/lib/lamina/.", StringComparison.Ordinal) || path.EndsWith(".dbg", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Its_configuration_file_sets_nothing_and_is_kept_at_upgrades()
    {
        await package.AskAsync("--extract", package.File, package.Folder.File("root"));
        await package.AskAsync("--control", package.File, package.Folder.File("control"));
        Assert.Equal("/etc/lamina/lamina.yaml\n", await File.ReadAllTextAsync(package.Folder.File("control/conffiles"), TestContext.Current.CancellationToken));
        string[] settings = await File.ReadAllLinesAsync(package.Folder.File("root/etc/lamina/lamina.yaml"), TestContext.Current.CancellationToken);
        Assert.All(settings, line => Assert.StartsWith("#", line, StringComparison.Ordinal));
        foreach (string script in (string[])["postinst", "prerm", "postrm"]) await package.RunAsync("sh", "-n", package.Folder.File($"control/{script}"));
        await package.RunAsync("sh", "-c", $"cd '{package.Folder.File("root")}' && md5sum --quiet -c '{package.Folder.File("control/md5sums")}'");
    }

    /// <summary>Made once for all tests of the class.</summary>
    public sealed class Package : IAsyncLifetime
    {
        public TemporaryFolder Folder { get; } = new();

        public string File => Folder.File("lamina.deb");

        public async ValueTask InitializeAsync() => await RunAsync(
            "bash", Repository.PathOf("installer", "debian", "build.sh"), Path.GetDirectoryName(Repository.Laminad)!, "1.2.3~test", File);

        public Task<string> AskAsync(params string[] arguments) => RunAsync("dpkg-deb", arguments);

        public async Task<string> RunAsync(string program, params string[] arguments)
        {
            var spec = new CommandSpec { Program = program, Arguments = arguments, Timeout = TimeSpan.FromMinutes(2) };
            var result = await Command.RunAsync(spec, TestContext.Current.CancellationToken);
            result.EnsureSuccess();
            return result.OutputText;
        }

        public ValueTask DisposeAsync()
        {
            Folder.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
