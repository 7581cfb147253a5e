using Lamina.Server;
using Lamina.Server.Images;
using Lamina.Testing;
using Lamina.Testing.Storage;
using Xunit;

namespace Lamina.Tests.Integration.Images;

/// <summary>How a recipe's script is run, with scripts of seconds in the place of a whole distribution.</summary>
public sealed class ImageBuildTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<(int? Percent, string Text)> _reports = [];
    private readonly List<string> _log = [];
    private StorageWorld _world = null!;
    private ImageWork _work = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _world = await StorageWorld.StartAsync(_folder.File("pool"));
        _work = new ImageWork(StorageWorld.NewId(), StorageWorld.NewId(), _world.PoolId, _world.Pool, 0);
        await _work.BeginAsync(Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Its_progress_is_told_and_its_output_becomes_the_image()
    {
        var status = await BuildAsync("echo progress 10 begun; qemu-img create -q -f qcow2 \"$1\" 64M; echo progress 100 done", Cancellation);

        Assert.Equal(64 << 20, status.VirtualSizeBytes);
        Assert.Equal([(10, "begun"), (100, "done")], _reports);
        _work.Place();
        await DiskFiles.QemuImgAsync("check", "-f", "qcow2", _world.Pool.Image(_work.ImageId));
    }

    [Fact]
    public async Task Its_last_words_are_the_failure_and_the_rest_is_in_the_log()
    {
        var failure = await Assert.ThrowsAsync<ProblemException>(() => BuildAsync("echo 'E: no such host' >&2; echo 'error: the mirror is away. Check the network' >&2; exit 1", Cancellation));

        Assert.Equal("image.buildFailed", failure.Code);
        Assert.Contains("the mirror is away. Check the network", failure.Message, StringComparison.Ordinal);
        Assert.Equal(["E: no such host", "error: the mirror is away. Check the network"], _log);
    }

    [Fact]
    public async Task What_it_mounts_is_not_mounted_here()
    {
        await BuildAsync("mkdir -p \"$2\"; mount -t tmpfs lamina-test \"$2\" && touch \"$2/inside\"; qemu-img create -q -f qcow2 \"$1\" 1M", Cancellation);

        Assert.False(File.Exists(Path.Join(_work.Folder, "work", "inside")));
        _work.End();
        Assert.False(Directory.Exists(_work.Folder));
    }

    [Fact]
    public async Task An_output_that_hangs_on_another_file_is_no_image()
    {
        var failure = await Assert.ThrowsAsync<ProblemException>(() => BuildAsync("qemu-img create -q -f qcow2 -b /etc/passwd -F raw \"$1\" 1M", Cancellation));
        Assert.Equal("image.refused", failure.Code);
    }

    [Fact]
    public async Task Cancelling_ends_it_and_everything_it_started()
    {
        using var cancel = new CancellationTokenSource();
        var marker = _folder.File("ended");

        var building = BuildAsync($"trap 'touch {marker}; exit 143' TERM; sleep 600 & echo progress 1 sleeping; wait", cancel.Token, cancel.Cancel);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => building);
        Assert.True(File.Exists(marker), "it was not asked politely");
        Assert.Equal(0, await ToolLeftovers.EndAsync(_work.Operation, Cancellation));
    }

    private Task<Api.ImageStatus> BuildAsync(string script, CancellationToken cancellation, Action? onProgress = null)
    {
        var file = _folder.File("recipe.sh");
        File.WriteAllText(file, script);
        var recipe = new ImageRecipe("test/1", file, 64 << 20, TimeSpan.FromMinutes(1));
        return new ImageBuild(_world.Rooms.Pools, TimeProvider.System).RunAsync(
            _work, recipe, (percent, text) => { _reports.Add((percent, text)); onProgress?.Invoke(); }, _log.Add, cancellation);
    }
}
