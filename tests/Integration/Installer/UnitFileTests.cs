using Lamina.Linux.Processes;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Integration.Installer;

public sealed class UnitFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>systemd finds nothing to complain of. It looks for the programs, which are not installed here: another stands for them.</summary>
    [Fact]
    public async Task Systemd_understands_every_unit()
    {
        string[] units = Directory.GetFiles(Repository.PathOf("installer", "systemd"), "*.service");
        Assert.NotEmpty(units);
        foreach (string unit in units)
        {
            string text = await File.ReadAllTextAsync(unit);
            await File.WriteAllTextAsync(folder.File(Path.GetFileName(unit)), text.Replace("/usr/lib/lamina/laminad", "/bin/true", StringComparison.Ordinal));
        }

        var spec = new CommandSpec
        {
            Program = "systemd-analyze",
            Arguments = ["verify", .. units.Select(unit => folder.File(Path.GetFileName(unit)))],
            Timeout = TimeSpan.FromMinutes(1),
        };
        var result = await Command.RunAsync(spec, TestContext.Current.CancellationToken);
        Assert.Equal("", result.ErrorText);
        result.EnsureSuccess();
    }
}
