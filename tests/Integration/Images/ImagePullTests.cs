using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Images.Catalogue;
using Lamina.Testing;
using Lamina.Testing.Storage;
using Xunit;

namespace Lamina.Tests.Integration.Images;

/// <summary>Pulls from a publisher on the loopback: its checksum file is read, the content compared, a broken line gone on with.</summary>
public sealed class ImagePullTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private StorageWorld _world = null!;
    private FilePublisher _publisher = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await StorageWorld.StartAsync(_folder.File("pool"));
        _publisher = await FilePublisher.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        await _publisher.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("SHA256SUMS", "sha256:")]
    [InlineData("SHA512SUMS", "sha512:")]
    [InlineData("CHECKSUM", "sha256:")]
    public async Task A_published_image_comes_in_whole_and_its_checksum_is_kept(string checksums, string kind)
    {
        string raw = Publish("disk-1.2.raw", 8);

        var state = await PullAsync(Source("disk-*.raw", checksums));

        Assert.Equal((OperationPhase.Succeeded, null), (state.Phase, state.Failure?.Message));
        var image = _world.Image("mine")!;
        Assert.StartsWith(kind, StatusOf(image).PublishedDigest, StringComparison.Ordinal);
        await DiskFiles.CompareAsync(raw, _world.Pool.Image(image.Id));
        Assert.Empty(_world.Snapshot.All(Keys.Uploads));
    }

    [Fact]
    public async Task A_file_that_is_not_what_its_publisher_says_never_becomes_an_image()
    {
        Publish("disk.raw", 8);
        _publisher.Forge("disk.raw", new byte[8 << 20]);

        var state = await PullAsync(Source("disk.raw", "SHA512SUMS"));

        Assert.Equal("sha512.mismatch", state.Failure!.Code);
        await _world.UntilAsync(_ => _world.Image("mine") is null, Keys.Images.Spec);
    }

    [Theory]
    [InlineData("disk.raw", "MISSING-SUMS", "image.publisherRefused")]
    [InlineData("gone.raw", "SHA256SUMS", "image.checksumMissing")]
    [InlineData("gone-*.raw", "SHA256SUMS", "image.notPublished")]
    public async Task What_is_not_published_is_said_in_words(string file, string checksums, string code)
    {
        Publish("disk.raw", 8);
        Assert.Equal(code, (await PullAsync(Source(file, checksums))).Failure!.Code);
    }

    [Fact]
    public async Task A_broken_line_is_gone_on_with_where_it_broke()
    {
        string raw = Publish("disk.raw", 8);
        _publisher.BreakAfter(3 << 20);

        var state = await PullAsync(Source("disk.raw", "SHA256SUMS"));

        Assert.Equal((OperationPhase.Succeeded, null), (state.Phase, state.Failure?.Message));
        await DiskFiles.CompareAsync(raw, _world.Pool.Image(_world.Image("mine")!.Id));
        var starts = _publisher.Asked.Where(asked => asked.Name == "disk.raw").Select(asked => asked.From).ToList();
        Assert.True(starts.Count >= 3 && starts.SequenceEqual(starts.Order().Distinct()), string.Join(' ', starts));
    }

    [Fact]
    public async Task A_newer_version_takes_the_name_and_an_equal_one_changes_nothing()
    {
        var source = Source("disk-*.raw", "SHA256SUMS");
        Publish("disk-1.9.raw", 8);
        await PullAsync(source);
        var first = _world.Image("mine")!;

        var again = await PullAsync(source);
        Assert.True((bool)again.Result!["upToDate"]!);
        await _world.UntilAsync(snapshot => snapshot.All(Keys.Images.Spec).Count() == 1, Keys.Images.Spec);

        string newer = Publish("disk-1.10.raw", 8);
        Assert.Equal(OperationPhase.Succeeded, (await PullAsync(source)).Phase);

        var second = _world.Image("mine")!;
        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal($"mine@{first.Record.Version}", _world.Snapshot.Get(Keys.Images.Spec, first.Id)!.Record.Name);
        Assert.Equal(second.Id, _world.Snapshot.Get(Keys.Names, Keys.NameId("default", "image", "mine"))!.Record.Owner);
        Assert.Equal(first.Id, _world.Snapshot.Get(Keys.Names, Keys.NameId("default", "image", $"mine@{first.Record.Version}"))!.Record.Owner);
        await DiskFiles.CompareAsync(newer, _world.Pool.Image(second.Id));
    }

    [Fact]
    public async Task A_pull_goes_on_after_the_daemon_has_died_in_it()
    {
        string raw = Publish("disk.raw", 8);
        _publisher.BreakAfter(1);
        string operation = await _world.PullAsync("mine", Source("disk.raw", "SHA256SUMS"));
        await _world.UntilAsync(snapshot => snapshot.All(Keys.Uploads).Count() == 1, Keys.Uploads);
        await _world.StopAsync();
        _publisher.BreakAfter(int.MaxValue);

        await _world.StartAgainAsync();

        Assert.Equal(OperationPhase.Succeeded, (await _world.EndOfAsync(operation)).Phase);
        await DiskFiles.CompareAsync(raw, _world.Pool.Image(_world.Image("mine")!.Id));
    }

    [Fact]
    public async Task Another_image_of_the_same_name_is_never_replaced()
    {
        Publish("disk.raw", 8);
        string file = _folder.File("own.raw");
        DiskFiles.WriteRaw(file, 8);
        await _world.EndOfAsync(await _world.ImportAsync("mine", await _world.UploadAsync(file)));

        var refused = await Assert.ThrowsAsync<Lamina.Server.ProblemException>(() => _world.PullAsync("mine", Source("disk.raw", "SHA256SUMS")));

        Assert.Equal("name.taken", refused.Code);
    }

    private string Publish(string name, int mebibytes)
    {
        string raw = _folder.File(name);
        DiskFiles.WriteRaw(raw, mebibytes);
        _publisher.Publish(name, File.ReadAllBytes(raw));
        return raw;
    }

    private ImageSource Source(string file, string checksums) => new() { Catalogue = "mine", Url = _publisher.Folder + file, ChecksumsUrl = _publisher.Folder + checksums };

    private async Task<OperationState> PullAsync(ImageSource source) => await _world.EndOfAsync(await _world.PullAsync("mine", source));

    private ImageStatus StatusOf(CachedRecord<ImageSpec> image) => _world.Snapshot.Get(Keys.Images.Status, image.Id)!.Record;
}
