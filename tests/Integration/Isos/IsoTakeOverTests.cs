using Lamina.Api;
using Lamina.Linux.Processes;
using Lamina.Server.Control;
using Lamina.Server.Isos;
using Lamina.Testing;
using Lamina.Testing.Storage;
using Xunit;

namespace Lamina.Tests.Integration.Isos;

/// <summary>Uploads taken over as media, and seeds written by the real xorriso.</summary>
public sealed class IsoTakeOverTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private StorageWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await StorageWorld.StartAsync(_folder.File("pool"));

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_ISO_that_is_no_ISO_is_refused_and_its_upload_kept()
    {
        var file = _folder.File("no.iso");
        await File.WriteAllBytesAsync(file, new byte[100_000], TestContext.Current.CancellationToken);
        var upload = await _world.UploadAsync(file);

        var state = await _world.EndOfAsync(await _world.TakeOverAsync("no", upload, IsoKind.Iso));

        Assert.Equal((OperationPhase.Failed, "iso.refused"), (state.Phase, state.Failure!.Code));
        await _world.UntilAsync(snapshot => !snapshot.All(Keys.Isos.Spec).Any(), Keys.Isos.Spec);
        Assert.Equal(100_000, _world.Rooms.Uploads.OffsetOf(upload, _world.Snapshot.Get(Keys.Uploads, upload)!.Record));
        Assert.Empty(Directory.GetFileSystemEntries(_world.Pool.Isos));
    }

    [Fact]
    public async Task A_real_ISO_is_taken_over_with_its_label()
    {
        var file = await MakeIsoAsync("LAMINA_TEST");
        var content = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        var upload = await _world.UploadAsync(file);

        var state = await _world.EndOfAsync(await _world.TakeOverAsync("disc", upload, IsoKind.Iso));

        Assert.Equal(OperationPhase.Succeeded, state.Phase);
        var iso = _world.Iso("disc")!;
        var status = _world.Snapshot.Get(Keys.Isos.Status, iso.Id)!.Record;
        Assert.Equal((ContentState.Ready, "LAMINA_TEST", (long)content.Length), (status.State, status.Label, status.SizeBytes));
        Assert.Equal(content, await File.ReadAllBytesAsync(_world.Pool.Iso(iso.Id), TestContext.Current.CancellationToken));
        Assert.Null(_world.Snapshot.Get(Keys.Uploads, upload));
        Assert.Empty(Directory.GetFiles(_world.Pool.Uploads));
    }

    [Fact]
    public async Task A_medium_renamed_before_the_daemon_died_is_taken_over_by_the_next()
    {
        await _world.DisposeAsync();
        DyingStore? dying = null;
        _world = await StorageWorld.StartAsync(_folder.File("pool2"), store => dying = new DyingStore(store, "/status", "isos/"));
        var operation = await _world.TakeOverAsync("disc", await _world.UploadAsync(await MakeIsoAsync("AGAIN")), IsoKind.Iso);
        await dying!.Died;
        await _world.StopAsync();
        Assert.Empty(Directory.GetFiles(_world.Pool.Uploads));

        await _world.StartAgainAsync();

        Assert.Equal(OperationPhase.Succeeded, (await _world.EndOfAsync(operation)).Phase);
        Assert.Equal("AGAIN", _world.Snapshot.Get(Keys.Isos.Status, _world.Iso("disc")!.Id)!.Record.Label);
    }

    [Fact]
    public async Task A_seed_has_its_label_and_files_and_is_roots_alone()
    {
        var vm = StorageWorld.NewId();
        var documents = new CloudInitDocuments("#cloud-config\n{}\n", "instance-id: i\n", "version: 2\n", "#cloud-config\n{}\n");

        var seed = await _world.Rooms.Seeds.WriteAsync(_world.Pool, vm, documents, TestContext.Current.CancellationToken);
        await _world.Rooms.Seeds.WriteAsync(_world.Pool, vm, documents with { MetaData = "instance-id: j\n" }, TestContext.Current.CancellationToken);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(seed));
        var start = new byte[IsoMedia.StartBytes];
        await using (var file = File.OpenRead(seed)) await file.ReadExactlyAsync(start, TestContext.Current.CancellationToken);
        var check = IsoMedia.Check(IsoKind.Iso, start, new FileInfo(seed).Length);
        Assert.Equal((null, "cidata"), (check.Refusal, check.Label));
        Assert.Equal("#cloud-config\n{}\n", await ExtractAsync(seed, "user-data"));
        Assert.Equal("instance-id: j\n", await ExtractAsync(seed, "meta-data"));
        Assert.Equal("version: 2\n", await ExtractAsync(seed, "network-config"));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_world.PoolFolder), entry => entry.Contains(".tmp-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_seed_of_the_same_content_is_not_made_again()
    {
        var vm = StorageWorld.NewId();
        var documents = new CloudInitDocuments("#cloud-config\n{}\n", "instance-id: i\n", "version: 2\n", "#cloud-config\n{}\n");
        var seed = await _world.Rooms.Seeds.WriteAsync(_world.Pool, vm, documents, TestContext.Current.CancellationToken);
        var before = new FileInfo(seed).LastWriteTimeUtc;

        await _world.Rooms.Seeds.WriteAsync(_world.Pool, vm, documents, TestContext.Current.CancellationToken);
        Assert.Equal(before, new FileInfo(seed).LastWriteTimeUtc);

        // The same bytes cut elsewhere are other documents.
        await _world.Rooms.Seeds.WriteAsync(_world.Pool, vm, documents with { MetaData = "instance-id: i\nv", NetworkConfig = "ersion: 2\n" }, TestContext.Current.CancellationToken);
        Assert.Equal("ersion: 2\n", await ExtractAsync(seed, "network-config"));
    }

    private async Task<string> MakeIsoAsync(string label)
    {
        var source = Directory.CreateDirectory(_folder.File("source")).FullName;
        await File.WriteAllTextAsync(Path.Join(source, "readme"), "hello\n");
        var iso = _folder.File("real.iso");
        await RunAsync("xorriso", "-as", "mkisofs", "-quiet", "-V", label, "-o", iso, source);
        return iso;
    }

    private async Task<string> ExtractAsync(string iso, string name)
    {
        var target = _folder.File("extracted-" + name);
        await RunAsync("xorriso", "-osirrox", "on", "-indev", iso, "-extract", "/" + name, target);
        return await File.ReadAllTextAsync(target);
    }

    private static async Task RunAsync(string program, params string[] arguments) =>
        (await Command.RunAsync(new CommandSpec { Program = program, Arguments = arguments, Timeout = TimeSpan.FromSeconds(30) }, CancellationToken.None)).EnsureSuccess();
}
