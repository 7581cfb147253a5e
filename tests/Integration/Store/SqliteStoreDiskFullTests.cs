using System.Net;
using System.Text;
using Lamina.Linux.Processes;
using Lamina.Server.Store;
using Lamina.Testing.Server;
using Lamina.Testing.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lamina.Tests.Integration.Store;

/// <summary>A file system that is really full: a small tmpfs of the test's own.</summary>
public sealed class SqliteStoreDiskFullTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lamina-full-").FullName;

    public async ValueTask InitializeAsync() => await RunAsync("mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "lamina-test", _folder);

    public async ValueTask DisposeAsync()
    {
        await RunAsync("umount", _folder);
        Directory.Delete(_folder);
    }

    [Fact]
    public async Task Writes_are_refused_while_the_disk_is_full_reads_go_on_and_with_room_writes_do_too()
    {
        string ballast = Path.Combine(_folder, "ballast");
        await using var store = SqliteStore.Open(_folder, TimeProvider.System, NullLogger<SqliteStore>.Instance);
        await File.WriteAllBytesAsync(ballast, new byte[700_000]);
        var written = new List<long>();

        var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(async () =>
        {
            while (true) written.Add(await PutAsync(store, $"k{written.Count}", 20_000));
        });

        Assert.Contains("full", refusal.Message);
        Assert.NotEmpty(written);
        Assert.Equal(written.Count, await CountAsync(store));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => PutAsync(store, "more", 60_000));

        File.Delete(ballast);
        long next = await PutAsync(store, "after", 20_000);
        Assert.Equal(written[^1] + 1, next);
        Assert.Equal(written.Append(next), await WatchAsync(store, written[0] - 1, next));
    }

    [Fact]
    public async Task In_a_group_the_large_ones_are_refused_and_the_small_ones_written()
    {
        await using var store = SqliteStore.Open(_folder, TimeProvider.System, NullLogger<SqliteStore>.Instance);
        await PutAsync(store, "first", 10);
        long room = new DriveInfo(_folder).AvailableFreeSpace;
        await File.WriteAllBytesAsync(Path.Combine(_folder, "ballast"), new byte[room - 120_000]);

        var large = Enumerable.Range(0, 6).Select(number => SucceedsAsync(PutAsync(store, $"large{number}", 64_000))).ToArray();
        var small = Enumerable.Range(0, 3).Select(number => SucceedsAsync(PutAsync(store, $"small{number}", 10))).ToArray();

        Assert.Contains(false, await Task.WhenAll(large));
        Assert.All(await Task.WhenAll(small), Assert.True);
    }

    [Fact]
    public async Task A_daemon_whose_disk_is_full_reads_on_refuses_changes_with_the_way_out_and_needs_no_restart()
    {
        var cancellation = TestContext.Current.CancellationToken;
        string data = Path.Combine(_folder, "data");
        await RunAsync("mount", "-o", "remount,size=12m", _folder);
        await using var daemon = await TestDaemon.StartAsync(
            change: options => options with { Instance = options.Instance with { DataDirectory = data } });
        string ballast = Path.Combine(_folder, "ballast");
        await SmallFileSystem.FillAsync(ballast);

        HttpResponseMessage refused;
        int created = 0;
        do refused = await CreateProjectAsync($"p{created++}");
        while (refused.IsSuccessStatusCode);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        string words = await refused.Content.ReadAsStringAsync(cancellation);
        Assert.Contains("is full. Make room there", words, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await daemon.Local.GetAsync($"/v1/projects/p{created - 1}", cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await daemon.Local.GetAsync("/v1/projects/default", cancellation)).StatusCode);

        File.Delete(ballast);
        Assert.Equal(HttpStatusCode.Created, (await CreateProjectAsync("after")).StatusCode);

        async Task<HttpResponseMessage> CreateProjectAsync(string name) => await daemon.Local.PostAsync(
            "/v1/projects", new StringContent($$"""{"name":"{{name}}","description":"{{new string('x', 900)}}"}""", Encoding.UTF8, "application/json"), cancellation);
    }

    private static async Task<long> PutAsync(SqliteStore store, string key, int bytes) =>
        (await store.CommitAsync(new StoreTransaction { Writes = [new StoreWrite.Put(key, new byte[bytes])] })).Revision;

    private static async Task<bool> SucceedsAsync(Task<long> put)
    {
        try
        {
            await put;
            return true;
        }
        catch (StoreUnavailableException)
        {
            return false;
        }
    }

    private static async Task<int> CountAsync(SqliteStore store)
    {
        int count = 0;
        await foreach (var page in store.ListAsync(["k"])) count += page.Items.Count;
        return count;
    }

    private static async Task<List<long>> WatchAsync(SqliteStore store, long after, long until)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var revisions = new List<long>();
        await foreach (var batch in store.WatchAsync([""], after, deadline.Token))
        {
            revisions.Add(batch.Revision);
            if (batch.Revision >= until) break;
        }

        return revisions;
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var spec = new CommandSpec { Program = program, Arguments = arguments, Timeout = TimeSpan.FromSeconds(30) };
        (await Command.RunAsync(spec, CancellationToken.None)).EnsureSuccess();
    }
}
