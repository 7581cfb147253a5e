using System.Collections.Concurrent;
using System.Globalization;
using Lamina.Api;
using Lamina.Linux.Host;
using Lamina.Linux.Processes;
using Lamina.Server.Control;

namespace Lamina.Server.Metrics.Exposition;

/// <summary>The daemon's own families: requests, store, operations, memory and garbage collection.</summary>
internal sealed class DaemonMetrics(TimeProvider time)
{
    private static readonly double[] Bounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];
    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

    private readonly ConcurrentDictionary<(string Method, int Status), long> _requests = new();
    private readonly long[] _buckets = new long[Bounds.Length + 1];
    private long _ticks;

    /// <summary>Counts a request when it has ended. Streams and consoles last as long as somebody listens: they have no duration.</summary>
    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        long begun = time.GetTimestamp();
        try
        {
            await next(http);
        }
        finally
        {
            // A method of somebody's invention must not make a series.
            string method = Array.IndexOf(Methods, http.Request.Method) >= 0 ? http.Request.Method : "other";
            _requests.AddOrUpdate((method, http.Response.StatusCode), 1, static (_, count) => count + 1);
            if (!IsStream(http)) Time(time.GetElapsedTime(begun));
        }
    }

    public void Write(PrometheusText text, CacheSnapshot snapshot)
    {
        text.Counter("lamina_http_requests_total", "Requests that have ended.");
        foreach (var ((method, status), count) in _requests.OrderBy(pair => pair.Key))
            text.Sample("lamina_http_requests_total", count, ("method", method), ("status", status.ToString(CultureInfo.InvariantCulture)));
        Durations(text);
        text.Counter("lamina_store_commits_total", "Revision of the store: each commit raises it by one.").Sample("lamina_store_commits_total", snapshot.Revision);
        text.Gauge("lamina_operations", "Operations on record, by phase.");
        foreach (var phase in snapshot.All(Keys.Operations.State).CountBy(state => state.Record.Phase).OrderBy(pair => pair.Key))
            text.Sample("lamina_operations", phase.Value, ("phase", phase.Key.ToString().ToLowerInvariant()));
        text.Gauge("lamina_build_info", "1, with the version of the daemon.").Sample("lamina_build_info", 1, ("version", BuildInformation.Version));
        Process(text);
    }

    private void Durations(PrometheusText text)
    {
        const string name = "lamina_http_request_duration_seconds";
        text.Family(name, "histogram", "How long requests took, streams left out.");
        long sum = 0;
        for (int index = 0; index < Bounds.Length; index++)
        {
            sum += Volatile.Read(ref _buckets[index]);
            text.Sample($"{name}_bucket", sum, ("le", Bounds[index].ToString(CultureInfo.InvariantCulture)));
        }

        sum += Volatile.Read(ref _buckets[^1]);
        text.Sample($"{name}_bucket", sum, ("le", "+Inf"));
        text.Sample($"{name}_sum", TimeSpan.FromTicks(Volatile.Read(ref _ticks)).TotalSeconds);
        text.Sample($"{name}_count", sum);
    }

    /// <summary>By the names that every client library of Prometheus gives them.</summary>
    private static void Process(PrometheusText text)
    {
        void One(string type, string name, string help, double? value) => text.Family(name, type, help).Sample(name, value);
        One("counter", "process_cpu_seconds_total", "CPU time of the daemon.", Environment.CpuUsage.TotalTime.TotalSeconds);
        var memory = ProcessMemory.Read(Environment.ProcessId);
        One("gauge", "process_resident_memory_bytes", "Memory that the daemon takes up.", memory is null ? null : memory.AnonymousBytes + memory.FileBytes + memory.SharedBytes);
        One("gauge", "dotnet_gc_heap_bytes", "The daemon's managed memory.", GC.GetTotalMemory(forceFullCollection: false));
        One("counter", "dotnet_gc_pause_seconds_total", "How long collections held all threads up.", GC.GetTotalPauseDuration().TotalSeconds);
        text.Counter("dotnet_gc_collections_total", "Collections, by generation.");
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
            text.Sample("dotnet_gc_collections_total", GC.CollectionCount(generation), ("generation", generation.ToString(CultureInfo.InvariantCulture)));
        One("gauge", "dotnet_threadpool_queue_length", "Work that waits for a thread.", ThreadPool.PendingWorkItemCount);
    }

    private static bool IsStream(HttpContext http) =>
        http.WebSockets.IsWebSocketRequest || http.Response.ContentType?.StartsWith("text/event-stream", StringComparison.Ordinal) == true;

    private void Time(TimeSpan duration)
    {
        int bucket = Array.FindIndex(Bounds, bound => duration.TotalSeconds <= bound);
        Interlocked.Increment(ref _buckets[bucket < 0 ? Bounds.Length : bucket]);
        Interlocked.Add(ref _ticks, duration.Ticks);
    }
}
