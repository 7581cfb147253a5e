using System.Globalization;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Store;

namespace Lamina.Server.Events;

/// <summary>
/// The timeline as a stream: events as they are committed, in that order. Each bears <c>revision.id</c>; a client that sends it back as
/// Last-Event-ID misses nothing and gets nothing twice. The id of an event alone is accepted too.
/// </summary>
internal sealed class EventFeed(ApiServices services, ApiRequest request, Func<Event, bool> wanted)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    public async Task RunAsync()
    {
        var from = EventPosition.Parse(request.Http.Request.Headers["Last-Event-ID"].ToString());
        int tail = request.QueryNumber("tail", 0, PageRequest.MaxLimit) ?? 0;
        // A stream ends now and then, so that a permission taken away does not live on; the client takes it up again.
        using var lifetime = new CancellationTokenSource(Longest, services.Time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, lifetime.Token, services.Stopping);
        // Before the answer begins: whoever has it in hand misses nothing that is committed from then on.
        var (newest, revision) = from is null ? await TailAsync(tail, end.Token) : ([], 0);
        await using var writer = new EventStreamWriter(request.Http.Response, services.Time);
        await writer.BeginAsync();
        try
        {
            foreach (var item in newest) await SendAsync(writer, item);
            if (from is null) await FollowAsync(writer, revision, null, end.Token);
            else await TakeUpAsync(writer, from, end.Token);
        }
        catch (OperationCanceledException) when (!request.Aborted.IsCancellationRequested)
        {
            // See above.
        }
    }

    private async Task TakeUpAsync(EventStreamWriter writer, EventPosition from, CancellationToken cancellationToken)
    {
        if (from.Revision is { } known)
        {
            try
            {
                // From one revision earlier: the last event seen may have shared its revision with others.
                await FollowAsync(writer, known - 1, from, cancellationToken);
                return;
            }
            catch (StoreCompactedException)
            {
                // Too old for a watch: read what is kept.
            }
        }

        await FollowAsync(writer, await SendAfterAsync(writer, from.Id, cancellationToken), null, cancellationToken);
    }

    private async Task FollowAsync(EventStreamWriter writer, long revision, EventPosition? seen, CancellationToken cancellationToken)
    {
        await foreach (var batch in services.Store.WatchAsync([Keys.Events.Prefix], revision, cancellationToken))
        {
            foreach (var change in batch.Changes)
            {
                if (change.Item is null || IsSeen(change.Item, seen)) continue;
                await SendAsync(writer, change.Item);
            }
        }
    }

    private static bool IsSeen(StoreItem item, EventPosition? seen) =>
        seen is not null && item.ModRevision == seen.Revision && string.CompareOrdinal(Keys.Events.IdOf(item.Key), seen.Id) <= 0;

    private async Task<long> SendAfterAsync(EventStreamWriter writer, string id, CancellationToken cancellationToken)
    {
        long revision = 0;
        await foreach (var part in services.Store.ListAsync([Keys.Events.Prefix], Timeline.After(Keys.Events, id), cancellationToken))
        {
            revision = part.Revision;
            foreach (var item in part.Items) await SendAsync(writer, item);
        }

        return revision;
    }

    private async Task<(Stack<StoreItem> Newest, long Revision)> TailAsync(int tail, CancellationToken cancellationToken)
    {
        var newest = new Stack<StoreItem>();
        long revision = 0;
        await foreach (var part in services.Store.ListAsync([Keys.Events.Prefix], new StoreListOptions { Descending = true, Limit = tail == 0 ? 1 : null }, cancellationToken))
        {
            revision = part.Revision;
            foreach (var item in part.Items.Where(item => wanted(RecordJson.Read(item, Keys.Events))).Take(tail - newest.Count)) newest.Push(item);
            if (newest.Count >= tail) break;
        }

        return (newest, revision);
    }

    private async Task SendAsync(EventStreamWriter writer, StoreItem item)
    {
        var record = RecordJson.Read(item, Keys.Events);
        if (wanted(record)) await writer.WriteAsync(new EventPosition(item.ModRevision, record.Id).ToString(), null, record, ApiJson.Default.Event);
    }
}

/// <summary>Where a stream of events stands: <c>revision.id</c>, or an id alone.</summary>
internal sealed record EventPosition(long? Revision, string Id)
{
    /// <summary>Null: there is none; the stream begins with what comes.</summary>
    public static EventPosition? Parse(string text)
    {
        if (text.Length == 0 || text.Length > 128) return null;
        int dot = text.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0) return new EventPosition(null, text);
        return long.TryParse(text.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out long revision) && revision > 0
            ? new EventPosition(revision, text[(dot + 1)..])
            : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Revision}.{Id}");
}
