using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Lamina.Api.Client;

/// <summary>Reads server-sent events. Where it stands is remembered, so that a stream opened anew begins after the last event read.</summary>
internal sealed class EventStream(ApiConnection connection, string path, string? lastEventId)
{
    /// <summary>Reads stream after stream; ends only by cancellation, or with the failure of an attempt to open one.</summary>
    public async IAsyncEnumerable<SseItem<T>> ReadAsync<T>(JsonTypeInfo<T> type, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            await foreach (var item in ReadOnceAsync(type, cancellationToken)) yield return item;
        }
    }

    /// <summary>Reads one stream, until the daemon ends it or the line breaks.</summary>
    public async IAsyncEnumerable<SseItem<T>> ReadOnceAsync<T>(JsonTypeInfo<T> type, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await OpenAsync(cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var parser = SseParser.Create(body, (_, data) => JsonSerializer.Deserialize(data, type));
        await using var items = parser.EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await MoveNextAsync(items))
        {
            if (parser.LastEventId.Length > 0) lastEventId = parser.LastEventId;
            if (items.Current.Data is { } data) yield return new SseItem<T>(data, items.Current.EventType);
        }
    }

    private Task<HttpResponseMessage> OpenAsync(CancellationToken cancellationToken) => connection.SendAsync(
        new ApiRequest(HttpMethod.Get, path) { Accept = "text/event-stream", Streams = true, LastEventId = lastEventId }, cancellationToken);

    // A broken line ends this stream as its end does.
    private static async ValueTask<bool> MoveNextAsync<T>(IAsyncEnumerator<SseItem<T>> items)
    {
        try
        {
            return await items.MoveNextAsync();
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            return false;
        }
    }
}
