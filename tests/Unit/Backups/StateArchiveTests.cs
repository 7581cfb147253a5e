using System.Formats.Tar;
using System.IO.Compression;
using Lamina.Server;
using Lamina.Server.Backups;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Unit.Backups;

/// <summary>An archive comes from a person, and what it names must stay in its folder.</summary>
public sealed class StateArchiveTests : IDisposable
{
    private const string Description = """{"format":1,"version":"1","host":"h","createdAt":"2026-01-01T00:00:00Z"}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("../evil")]
    [InlineData("/etc/evil")]
    [InlineData("secrets/../../evil")]
    [InlineData("secrets/")]
    [InlineData("etc/a/b/c")]
    [InlineData("other/file")]
    public async Task Names_that_lead_elsewhere_are_refused(string name)
    {
        var refused = await Assert.ThrowsAsync<ProblemException>(() => UnpackAsync((name, "x")));
        Assert.Equal("backup.invalid", refused.Code);
        Assert.False(File.Exists(_folder.File("evil")));
    }

    [Fact]
    public async Task Links_are_refused()
    {
        string file = _folder.File("a.tar.gz");
        await using (var zipped = new GZipStream(File.Create(file), CompressionLevel.Fastest))
        await using (var tar = new TarWriter(zipped))
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, "store.db") { LinkName = "/etc/shadow" }, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<ProblemException>(() => StateArchive.UnpackAsync(file, _folder.File("out"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task What_is_no_archive_is_refused_in_words()
    {
        string file = _folder.File("a.tar.gz");
        await File.WriteAllTextAsync(file, "nonsense", TestContext.Current.CancellationToken);
        var refused = await Assert.ThrowsAsync<ProblemException>(() => StateArchive.UnpackAsync(file, _folder.File("out"), TestContext.Current.CancellationToken));
        Assert.Equal("backup.invalid", refused.Code);
    }

    [Fact]
    public async Task A_newer_form_is_refused() => Assert.Equal(
        "backup.newer",
        (await Assert.ThrowsAsync<ProblemException>(() => UnpackAsync(("store.db", "x"), ("backup.json", Description.Replace("\"format\":1", "\"format\":2", StringComparison.Ordinal))))).Code);

    [Fact]
    public async Task What_was_packed_comes_out()
    {
        await UnpackAsync(("backup.json", Description), ("store.db", "store"), ("secrets/box.key", "key"), ("etc/conf.d/a.yaml", "yaml"));
        Assert.Equal("yaml", await File.ReadAllTextAsync(_folder.File("out/etc/conf.d/a.yaml"), TestContext.Current.CancellationToken));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.File("out/secrets/box.key")));
    }

    private async Task UnpackAsync(params (string Name, string Content)[] entries)
    {
        string file = _folder.File("a.tar.gz");
        await using (var zipped = new GZipStream(File.Create(file), CompressionLevel.Fastest))
        await using (var tar = new TarWriter(zipped))
        {
            foreach (var (name, content) in entries)
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(content)) }, TestContext.Current.CancellationToken);
        }

        await StateArchive.UnpackAsync(file, _folder.File("out"), TestContext.Current.CancellationToken);
    }
}
