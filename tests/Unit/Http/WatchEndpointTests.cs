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
        var watch = new WatchEndpoint(world.Services, [Projects], TimeSpan.Zero);
        await using var client = new Client(world, watch, (_, _) => true);
        await using var quick = new Client(world, watch, (_, _) => true);
        await client.ReadUntilAsync(change => change.Action == WatchAction.Synced);
        await quick.ReadUntilAsync(change => change.Action == WatchAction.Synced);
        client.Stall();
        await world.CommitAsync(new StoreChange("test").Delete(Keys.Projects["gone"]));
        for (int number = 0; number <= WatchHub.Capacity + 1; number++)
        {
            // What comes at once goes together: so each is seen by the other client before the next.
            await world.CommitAsync(new StoreChange("test").Put(Keys.Projects, "kept", new ProjectSpec { Name = "kept", Description = $"{number}" }));
            await quick.ReadUntilAsync(change => change.Object is { } shown && shown.GetProperty("description").GetString() == $"{number}");
        }

        client.GoOn();
        await client.ReadUntilAsync(change => change.Action == WatchAction.Resync);
        var anew = await client.ReadUntilAsync(change => change.Action == WatchAction.Synced);
        Assert.Equal(["kept"], anew.Where(change => change.Action == WatchAction.Put).Select(change => change.Id).Distinct());
    }

    [Fact]
    public async Task WhatAClientMayNoLongerSeeIsTakenBack()
    {
        await using var world = await HttpWorld.StartAsync();
        string seen = "a";
        await world.CommitAsync(new StoreChange("test").Create(Keys.Projects, "a", new ProjectSpec { Name = "a" }));
        await using var client = new Client(world, new WatchEndpoint(world.Services, [Projects]), (_, project) => project == Volatile.Read(ref seen));
        await client.ReadUntilAsync(change => change.Action == WatchAction.Synced);
        Volatile.Write(ref seen, "none");
        await world.CommitAsync(new StoreChange("test").Put(Keys.Projects, "a", new ProjectSpec { Name = "a", Description = "changed" }));
        var taken = await client.ReadUntilAsync(change => change.Action == WatchAction.Delete);
        Assert.Equal("a", Assert.Single(taken).Id);
    }

    [Fact]
    public async Task WhenNobodyWatchesTheNextOneBeginsWithWhatIsThereThen()
    {
        await using var world = await HttpWorld.StartAsync();
        var watch = new WatchEndpoint(world.Services, [Projects]);
        await using (var first = new Client(world, watch, (_, _) => true)) await first.ReadUntilAsync(change => change.Action == WatchAction.Synced);
        await world.CommitAsync(new StoreChange("test").Create(Keys.Projects, "a", new ProjectSpec { Name = "a" }));
        await using var second = new Client(world, watch, (_, _) => true);
        var shown = await second.ReadUntilAsync(change => change.Id == "a");
        Assert.Equal(WatchAction.Put, shown[^1].Action);
    }

    [Fact]
    public async Task OnlyWhatMayBeSeenIsGiven()
    {
        await using var world = await HttpWorld.StartAsync();
        await world.CommitAsync(new StoreChange("test").Create(Keys.Projects, "mine", new ProjectSpec { Name = "mine" }).Create(Keys.Projects, "other", new ProjectSpec { Name = "other" }));
        await using var client = new Client(world, new WatchEndpoint(world.Services, [Projects]), (permission, project) => permission == Permission.View && project == "mine");
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

        public Client(HttpWorld world, WatchEndpoint watch, Func<Permission, string?, bool> may)
        {
            var http = new DefaultHttpContext { RequestAborted = _gone.Token };
            http.Request.QueryString = new QueryString("?kinds=projects");
            http.Response.Body = _body;
            Caller.Set(http, new Caller("user:a", may));
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
