using System.Net.ServerSentEvents;
using System.Text.Json;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Lamina.Tests.Unit.Http;

/// <summary>The watch to a client that reads when the test lets it.</summary>
public sealed class WatchEndpointTests
{
    private static readonly WatchKind Projects = new WatchKind<Project>(
        "projects",
        [Keys.Projects],
        (snapshot, id) => snapshot.Get(Keys.Projects, id) is { } found ? new Project { Name = found.Id, Description = found.Record.Description } : null,
        project => project.Name,
        ApiJson.Default.Project);

    private static readonly EndpointDescription Endpoint = Describe();

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AClientThatFallsBehindIsToldToForgetAndGetsANewBeginning()
    {
        await using var world = await HttpWorld.StartAsync();
        await world.CommitAsync(new StoreChange("test").Create(Keys.Projects, "gone", new ProjectSpec { Name = "gone" }));
        await using var client = new Client(world, (_, _) => true);
        await client.ReadUntilAsync(change => change.Action == WatchAction.Synced);
        client.Stall();
        await world.CommitAsync(new StoreChange("test").Delete(Keys.Projects["gone"]));
        for (int number = 0; number <= Cache.SubscriptionCapacity + 1; number++)
            await world.CommitAsync(new StoreChange("test").Put(Keys.Projects, "kept", new ProjectSpec { Name = "kept", Description = $"{number}" }));
        client.GoOn();
        await client.ReadUntilAsync(change => change.Action == WatchAction.Resync);
        var anew = await client.ReadUntilAsync(change => change.Action == WatchAction.Synced);
        Assert.Equal(["kept"], anew.Where(change => change.Action == WatchAction.Put).Select(change => change.Id).Distinct());
    }

    [Fact]
    public async Task OnlyWhatMayBeSeenIsGiven()
    {
        await using var world = await HttpWorld.StartAsync();
        await world.CommitAsync(new StoreChange("test").Create(Keys.Projects, "mine", new ProjectSpec { Name = "mine" }).Create(Keys.Projects, "other", new ProjectSpec { Name = "other" }));
        await using var client = new Client(world, (permission, project) => permission == Permission.View && project == "mine");
        var begun = await client.ReadUntilAsync(change => change.Action == WatchAction.Synced);
        Assert.Equal(["mine"], begun.Where(change => change.Action == WatchAction.Put).Select(change => change.Id));
        await world.CommitAsync(new StoreChange("test").Put(Keys.Projects, "other", new ProjectSpec { Name = "other", Description = "x" }));
        await world.CommitAsync(new StoreChange("test").Delete(Keys.Projects["other"]).Delete(Keys.Projects["mine"]));
        var ended = await client.ReadUntilAsync(change => change.Action == WatchAction.Delete);
        Assert.Equal("mine", Assert.Single(ended).Id);
    }

    private static EndpointDescription Describe()
    {
        var endpoint = new EndpointDescription { Method = "GET", Pattern = "/v1/watch", Permission = Permission.SignedIn, Summary = "Watches" };
        endpoint.Queries.Add(new QueryParameter("kinds", "Which."));
        return endpoint;
    }

    /// <summary>A request whose answer goes through a pipe that can be stalled.</summary>
    private sealed class Client : IAsyncDisposable
    {
        private readonly StallingStream _body = new();
        private readonly CancellationTokenSource _gone = new();
        private readonly Task _serving;
        private readonly IAsyncEnumerator<SseItem<WatchChange>> _changes;

        public Client(HttpWorld world, Func<Permission, string?, bool> may)
        {
            var http = new DefaultHttpContext { RequestAborted = _gone.Token };
            http.Request.QueryString = new QueryString("?kinds=projects");
            http.Response.Body = _body;
            Caller.Set(http, new Caller("user:a", may));
            var watch = new WatchEndpoint(world.Services, [Projects]);
            _serving = world.Dispatcher.RunRawAsync(http, Endpoint, watch.WatchAsync);
            _changes = SseParser.Create(_body.Reader, (_, data) => JsonSerializer.Deserialize(data, ApiJson.Default.WatchChange)!)
                .EnumerateAsync(Deadline).GetAsyncEnumerator(Deadline);
        }

        public void Stall() => _body.Stall();

        public void GoOn() => _body.GoOn();

        /// <summary>Everything up to the change looked for, which is the last.</summary>
        public async Task<IReadOnlyList<WatchChange>> ReadUntilAsync(Func<WatchChange, bool> wanted)
        {
            var read = new List<WatchChange>();
            do
            {
                Assert.True(await _changes.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), Deadline));
                read.Add(_changes.Current.Data);
            }
            while (!wanted(read[^1]));
            return read;
        }

        public async ValueTask DisposeAsync()
        {
            await _gone.CancelAsync();
            await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _gone.Dispose();
        }
    }
}
