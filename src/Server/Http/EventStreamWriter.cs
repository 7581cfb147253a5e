using System.Text;
using System.Text.Json.Serialization.Metadata;

namespace Lamina.Server.Http;

/// <summary>Writes server-sent events (WHATWG HTML, 9.2). One writer, one reader; a comment each 15 s keeps the line open and finds dead clients.</summary>
internal sealed class EventStreamWriter(HttpResponse response, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    private readonly SemaphoreSlim _one = new(1, 1);
    private ITimer? _timer;

    public async Task BeginAsync()
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        await response.StartAsync(Aborted);
        await response.Body.FlushAsync(Aborted);
        _timer = time.CreateTimer(_ => _ = KeepAliveAsync(), null, KeepAlive, KeepAlive);
    }

    /// <param name="id">What the client sends back as Last-Event-ID.</param>
    /// <param name="name">The event's name; null: <c>message</c>.</param>
    /// <param name="data">Written as one line of JSON.</param>
    /// <param name="type">Description of the data.</param>
    public Task WriteAsync<T>(string? id, string? name, T data, JsonTypeInfo<T> type)
        where T : class => SendAsync([Format(id, name, data, type)]);

    /// <summary>Writes several events at once, each made by <see cref="Format"/>.</summary>
    public Task WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> events) => SendAsync(events);

    /// <summary>An event's bytes: <paramref name="data"/> is one line of JSON.</summary>
    public static ReadOnlyMemory<byte> Format<T>(string? id, string? name, T data, JsonTypeInfo<T> type)
        where T : class
    {
        string head = (id is null ? "" : $"id: {id}\n") + (name is null ? "" : $"event: {name}\n") + "data: ";
        return (byte[])[.. Encoding.UTF8.GetBytes(head), .. AnswerJson.Write(data, type).Span, .. "\n\n"u8];
    }

    public async ValueTask DisposeAsync()
    {
        if (_timer is not null) await _timer.DisposeAsync();
    }

    private CancellationToken Aborted => response.HttpContext.RequestAborted;

    private async Task SendAsync(IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        await _one.WaitAsync(Aborted);
        try
        {
            foreach (var part in parts) await response.Body.WriteAsync(part, Aborted);
            await response.Body.FlushAsync(Aborted);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task KeepAliveAsync()
    {
        try
        {
            await SendAsync([":\n\n"u8.ToArray()]);
        }
        catch (Exception gone) when (gone is OperationCanceledException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The client went away: its request ends by RequestAborted.
        }
    }
}
