using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Lamina.Api.Client;

/// <summary>Reads server-sent events and opens the stream anew after the last event read when the line breaks; gives up as other reads do.</summary>
internal sealed class EventStream(ApiConnection connection, string path, string? lastEventId)
{
    /// <summary>Ends only by cancellation, or with the exception of an attempt to open the stream.</summary>
    public async IAsyncEnumerable<SseItem<T>> ReadAsync<T>(JsonTypeInfo<T> type, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
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
    }

    private Task<HttpResponseMessage> OpenAsync(CancellationToken cancellationToken) => connection.SendAsync(
        new ApiRequest(HttpMethod.Get, path) { Accept = "text/event-stream", Streams = true, LastEventId = lastEventId }, cancellationToken);

    // A broken line ends this stream; the next one is opened after the last event.
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
