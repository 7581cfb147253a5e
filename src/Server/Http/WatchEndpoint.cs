using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;

namespace Lamina.Server.Http;

/// <summary>
/// <c>GET /v1/watch?kinds=vms,operations</c>: every object that the caller may see, then <c>synced</c>, then each change with its revision (decision
/// 15). A client too slow for the changes gets <c>resync</c> and a new beginning.
/// </summary>
internal sealed class WatchEndpoint(ApiServices services, IReadOnlyList<WatchKind> kinds)
{
    /// <summary>A stream ends after this time and is opened anew by the client, so that a permission taken away does not live on.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    public void Map(ApiRoutes api) => api
        .Raw(HttpMethods.Get, "/v1/watch", Permission.SignedIn, "Follows objects: all of them, then each change", WatchAsync)
        .Query("kinds", $"Words separated by commas, of: {string.Join(", ", kinds.Select(kind => kind.Name))}.")
        .Answers(ApiJson.Default.WatchChange)
        .AnswersMedia("text/event-stream");

    internal async Task WatchAsync(ApiRequest request)
    {
        var wanted = Wanted(request);
        using var lifetime = new CancellationTokenSource(Longest, services.Time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(request.Aborted, lifetime.Token, services.Stopping);
        using var subscription = services.Cache.Subscribe([.. wanted.SelectMany(kind => kind.Records), Keys.Sessions]);
        await using var writer = new EventStreamWriter(request.Http.Response, services.Time);
        await writer.BeginAsync();
        var watch = new Watch(request, wanted, writer);
        await watch.BeginAsync(subscription.Start);
        try
        {
            await foreach (var batch in subscription.ReadAllAsync(end.Token))
            {
                // What a log-in follows ends with it.
                if (request.Caller.Session is { } session && batch.Snapshot.Get(Keys.Sessions, session) is null) return;
                await watch.GoOnAsync(batch);
            }
        }
        catch (OperationCanceledException) when (!request.Aborted.IsCancellationRequested)
        {
            // The client opens the next one.
        }
    }

    private WatchKind[] Wanted(ApiRequest request)
    {
        string[] names = request.Query("kinds")?.Split(',') ?? throw ApiRequest.BadQuery("kinds", "Name what to watch, for example vms,operations.");
        var problems = new InputProblems();
        foreach (string name in names.Where(name => kinds.All(kind => kind.Name != name)))
            problems.Add("?kinds", "value.unknown", $"'{Suggestions.Shorten(name)}' is none of {string.Join(", ", kinds.Select(kind => kind.Name))}.");
        problems.ThrowIfAny();
        return [.. kinds.Where(kind => names.Contains(kind.Name))];
    }

    /// <summary>One client's stream: remembers what it was given, so that only that is ever taken back.</summary>
    private sealed class Watch(ApiRequest request, WatchKind[] kinds, EventStreamWriter writer)
    {
        private readonly HashSet<(string Kind, string Id)> _given = [];

        public async Task BeginAsync(CacheSnapshot snapshot)
        {
            foreach (var kind in kinds)
            {
                foreach (var record in snapshot.AllOf(kind.Records[0])) await ShowAsync(kind, record.Id, snapshot);
            }

            await SendAsync(WatchAction.Synced, snapshot);
        }

        public async Task GoOnAsync(CacheBatch batch)
        {
            if (batch.Resync)
            {
                _given.Clear();
                await SendAsync(WatchAction.Resync, batch.Snapshot);
                await BeginAsync(batch.Snapshot);
                return;
            }

            var touched = batch.Changes
                .SelectMany(change => kinds.Where(kind => kind.Records.Contains(change.Kind)).Select(kind => (kind, change.Kind.ObjectOf(change.Id))))
                .Distinct();
            foreach (var (kind, id) in touched) await ShowAsync(kind, id, batch.Snapshot);
        }

        private async Task ShowAsync(WatchKind kind, string id, CacheSnapshot snapshot)
        {
            if (kind.View(snapshot, id, project => Sees(kind, project)) is { } view)
            {
                _given.Add((kind.Name, id));
                await SendAsync(WatchAction.Put, snapshot, kind.Name, id, view);
            }
            else if (_given.Remove((kind.Name, id)))
            {
                await SendAsync(WatchAction.Delete, snapshot, kind.Name, id);
            }
        }

        /// <summary>Without <c>?project=</c> a watch shows every project that the caller may see.</summary>
        private bool Sees(WatchKind kind, string? project) =>
            request.Caller.May(kind.Permission, project)
            && (project is null || request.Query("project") is not { } only || only == "*" || only == project);

        private Task SendAsync(WatchAction action, CacheSnapshot snapshot, string? kind = null, string? id = null, System.Text.Json.JsonElement? view = null)
        {
            string revision = request.RevisionText(snapshot.Revision);
            var change = new WatchChange { Action = action, Revision = revision, Kind = kind, Id = id, Object = view };
            return writer.WriteAsync(revision, null, change, ApiJson.Default.WatchChange);
        }
    }
}
