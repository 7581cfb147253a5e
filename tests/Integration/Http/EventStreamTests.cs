using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Operations;
using Lamina.Testing.Server;
using Xunit;

namespace Lamina.Tests.Integration.Http;

/// <summary>The timeline and the watch as server-sent events.</summary>
public sealed class EventStreamTests(SharedDaemon shared) : IClassFixture<SharedDaemon>
{
    private readonly EventLog _events = new(TimeProvider.System, "host");
    private readonly TestDaemon _daemon = shared.Daemon;

    /// <summary>The daemon is shared: each test has event kinds of its own.</summary>
    private readonly string _kind = "t" + Guid.NewGuid().ToString("N");

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ABrokenStreamIsTakenUpAgainWithoutLossOrRepetition()
    {
        string lastId;
        await using (var stream = await OpenAsync($"/v1/events?kind={_kind}.*&tail=0", ApiJson.Default.Event))
        {
            // Two events of one revision: the line breaks between them.
            await CommitAsync($"{_kind}.one", $"{_kind}.two");
            var first = await stream.NextAsync();
            Assert.Equal($"{_kind}.one", first.Data.Kind);
            lastId = first.EventId!;
        }

        await CommitAsync($"{_kind}.three", "other");
        await using var again = await OpenAsync($"/v1/events?kind={_kind}.*", ApiJson.Default.Event, lastId);
        Assert.Equal($"{_kind}.two", (await again.NextAsync()).Data.Kind);
        Assert.Equal($"{_kind}.three", (await again.NextAsync()).Data.Kind);
        await CommitAsync($"{_kind}.four");
        Assert.Equal($"{_kind}.four", (await again.NextAsync()).Data.Kind);
    }

    [Fact]
    public async Task TheIdOfAnEventAloneTakesItUpToo()
    {
        await CommitAsync($"{_kind}.one");
        await CommitAsync($"{_kind}.two");
        var one = (await _daemon.Client.Events.ListAsync(Deadline).ToListAsync(Deadline)).Single(record => record.Kind == $"{_kind}.one");
        await foreach (var record in _daemon.Client.Events.FollowAsync(one.Id, Deadline))
        {
            Assert.Equal($"{_kind}.two", record.Kind);
            break;
        }
    }

    [Fact]
    public async Task PagesAndTailsShowTheSameTimeline()
    {
        for (int number = 0; number < 7; number++) await CommitAsync($"{_kind}.{number}");
        var all = await PageAsync($"/v1/events?kind={_kind}.*&limit=3");
        Assert.Equal([$"{_kind}.0", $"{_kind}.1", $"{_kind}.2"], all.Items.Select(record => record.Kind));
        var next = await PageAsync($"/v1/events?kind={_kind}.*&limit=3&cursor={all.Next}");
        Assert.Equal([$"{_kind}.3", $"{_kind}.4", $"{_kind}.5"], next.Items.Select(record => record.Kind));
        Assert.Equal([$"{_kind}.6"], (await PageAsync($"/v1/events?kind={_kind}.*&limit=3&cursor={next.Next}")).Items.Select(record => record.Kind));
        Assert.Equal([$"{_kind}.5", $"{_kind}.6"], (await PageAsync($"/v1/events?kind={_kind}.*&tail=2")).Items.Select(record => record.Kind));
    }

    [Fact]
    public async Task AWatchGivesAllThenSyncedThenChanges()
    {
        string before = await BeginOperationAsync();
        await using var stream = await OpenAsync("/v1/watch?kinds=operations", ApiJson.Default.WatchChange);
        bool given = false;
        WatchChange change;
        do
        {
            change = (await stream.NextAsync()).Data;
            given |= (change.Action, change.Kind, change.Id) == (WatchAction.Put, "operations", before);
        }
        while (change.Action != WatchAction.Synced);
        Assert.True(given);

        string after = await BeginOperationAsync();
        do
        {
            change = (await stream.NextAsync()).Data;
        }
        while (change.Id != after);
        Assert.Equal("test.nothing", change.Object!.Value.Deserialize(ApiJson.Default.Operation)!.Request.Kind);

        await CommitAsync(new StoreChange("test").DeletePrefix(Keys.Operations.All(after)));
        do
        {
            change = (await stream.NextAsync()).Data;
        }
        while (change.Action != WatchAction.Delete);
        Assert.Equal(after, change.Id);
    }

    private async Task<string> BeginOperationAsync()
    {
        var change = new StoreChange("test");
        var draft = new OperationDraft { Kind = "test.nothing", Target = new ObjectReference { Kind = "test", Id = "1" }, RequestedBy = "system", Host = "elsewhere" };
        var operation = new OperationRequests(TimeProvider.System).Add(change, draft);
        await CommitAsync(change);
        return operation.Id;
    }

    private Task CommitAsync(params string[] kinds)
    {
        var change = new StoreChange("test");
        foreach (string kind in kinds) _events.Add(change, new EventDraft { Kind = kind, Message = kind });
        return CommitAsync(change);
    }

    private async Task CommitAsync(StoreChange change) =>
        Assert.True((await change.CommitAsync(_daemon.Daemon.Store, TimeProvider.System, Deadline)).Succeeded);

    private async Task<Page<Event>> PageAsync(string path) =>
        JsonSerializer.Deserialize(await _daemon.Local.GetStringAsync(path, Deadline), ApiJson.Default.PageEvent)!;

    private async Task<Stream<T>> OpenAsync<T>(string path, JsonTypeInfo<T> type, string? lastId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (lastId is not null) request.Headers.Add("Last-Event-ID", lastId);
        var response = await _daemon.Local.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Deadline);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new Stream<T>(response, type);
    }

    private sealed class Stream<T>(HttpResponseMessage response, JsonTypeInfo<T> type) : IAsyncDisposable
    {
        private readonly IAsyncEnumerator<SseItem<T>> _items = SseParser
            .Create(response.Content.ReadAsStream(), (_, data) => JsonSerializer.Deserialize(data, type)!)
            .EnumerateAsync(Deadline)
            .GetAsyncEnumerator(Deadline);

        public async Task<SseItem<T>> NextAsync()
        {
            Assert.True(await _items.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), Deadline), "The stream has ended.");
            return _items.Current;
        }

        public async ValueTask DisposeAsync()
        {
            response.Dispose();
            await _items.DisposeAsync();
        }
    }
}
