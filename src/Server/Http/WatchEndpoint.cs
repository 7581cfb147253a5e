using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;

namespace Lamina.Server.Http;

/// <summary>
/// <c>GET /v1/watch?kinds=vms,operations</c>: every object that the caller may see, then <c>synced</c>, then each change with its revision (decision
/// 15). A client too slow for the changes gets <c>resync</c> and a new beginning.
/// </summary>
internal sealed class WatchEndpoint(ApiServices services, IReadOnlyList<WatchKind> kinds, TimeSpan? gather = null)
{
    /// <summary>A stream ends after this time and is opened anew by the client, so that a permission taken away does not live on.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    /// <summary>Too short for an eye.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(50);

    private readonly WatchHub _hub = new(services, kinds, gather ?? Gather);

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
        using var watcher = _hub.Join();
        await using var writer = new EventStreamWriter(request.Http.Response, services.Time);
        await writer.BeginAsync();
        var watch = new Watch(_hub, request, wanted, writer);
        await watch.BeginAsync(watcher.Start);
        try
        {
            await foreach (var tick in watcher.ReadAllAsync(end.Token))
            {
                // What a log-in follows ends with it.
                if (request.Caller.Session is { } session && tick.Snapshot.Get(Keys.Sessions, session) is null) return;
                await watch.GoOnAsync(tick);
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
    private sealed class Watch(WatchHub hub, ApiRequest request, WatchKind[] kinds, EventStreamWriter writer)
    {
        /// <summary>A beginning is sent in parts of this size, so that it is never whole in memory.</summary>
        private const int PartBytes = 64 * 1024;

        private readonly HashSet<(string Kind, string Id)> _given = [];
        private readonly List<ReadOnlyMemory<byte>> _part = [];

        public async Task BeginAsync(CacheSnapshot snapshot)
        {
            int bytes = 0;
            foreach (var kind in kinds)
            {
                foreach (var record in snapshot.AllOf(kind.Records[0]))
                {
                    bytes += Add(hub.Show(kind, record.Id, snapshot), snapshot);
                    if (bytes < PartBytes) continue;
                    await SendAsync();
                    bytes = 0;
                }
            }

            _part.Add(hub.EventOf(WatchAction.Synced, snapshot));
            await SendAsync();
        }

        public async Task GoOnAsync(WatchTick tick)
        {
            if (tick.Resync)
            {
                _given.Clear();
                _part.Add(hub.EventOf(WatchAction.Resync, tick.Snapshot));
                await BeginAsync(tick.Snapshot);
                return;
            }

            foreach (var touched in tick.Objects.Where(touched => kinds.Contains(touched.Kind))) Add(touched, tick.Snapshot);
            if (_part.Count > 0) await SendAsync();
        }

        /// <returns>How many bytes that is.</returns>
        private int Add(WatchedObject touched, CacheSnapshot snapshot)
        {
            var key = (touched.Kind.Name, touched.Id);
            if (touched.Exists && Sees(touched.Kind, touched.Project))
            {
                _given.Add(key);
                _part.Add(touched.Event);
                return touched.Event.Length;
            }

            if (!_given.Remove(key)) return 0;
            var gone = touched.Exists ? hub.Hide(touched, snapshot) : touched.Event;
            _part.Add(gone);
            return gone.Length;
        }

        /// <summary>Without <c>?project=</c> a watch shows every project that the caller may see.</summary>
        private bool Sees(WatchKind kind, string? project) =>
            request.Caller.May(kind.Permission, project)
            && (project is null || request.Query("project") is not { } only || only == "*" || only == project);

        private async Task SendAsync()
        {
            await writer.WriteAsync(_part);
            _part.Clear();
        }
    }
}
