using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Lamina.Api.Client;

/// <summary>Makes requests, repeats them where that is safe, and turns refusals into exceptions. The nouns' clients are thin layers over it.</summary>
public sealed class ApiConnection : IDisposable
{
    private readonly LaminaClientOptions _options;
    private readonly HttpMessageInvoker _invoker;
    private readonly Uri _baseAddress;
    private readonly RevisionMemory _revisions = new();

    internal ApiConnection(LaminaClientOptions options)
        : this(options, ClientTransport.CreateHandler(options))
    {
    }

    /// <param name="options">Where to, and as whom.</param>
    /// <param name="line">Carries the requests.</param>
    internal ApiConnection(LaminaClientOptions options, HttpMessageHandler line)
    {
        _options = options;
        _baseAddress = ClientTransport.BaseAddress(options);
        _invoker = new HttpMessageInvoker(line);
    }

    /// <summary>The server in words, for messages.</summary>
    public string Description => ClientTransport.Describe(_options);

    /// <summary>The project of calls that name none; null: the server's default.</summary>
    public string? Project => _options.Project;

    internal TimeProvider Time => _options.Time;

    public void Dispose() => _invoker.Dispose();

    public async Task<Answer<T>> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(new ApiRequest(HttpMethod.Get, path), cancellationToken);
        return new Answer<T>(await ReadAsync(response, type, cancellationToken), response.Headers.ETag?.ToString());
    }

    public async Task<string> GetTextAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(new ApiRequest(HttpMethod.Get, path) { Accept = "text/plain, application/problem+json" }, cancellationToken);
        return await response.Content.ReadAsStringAsync(cancellationToken);
    }

    /// <summary>All items of a list, page after page.</summary>
    public async IAsyncEnumerable<T> ListAsync<T>(
        string path, JsonTypeInfo<Page<T>> type, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? cursor = null;
        do
        {
            var page = await GetAsync(path.With("cursor", cursor), type, cancellationToken);
            foreach (var item in page.Value.Items) yield return item;
            cursor = page.Value.Next;
        }
        while (cursor is not null);
    }

    /// <summary>Creates, under an Idempotency-Key, so that a broken line cannot create twice.</summary>
    public async Task<TResult> CreateAsync<TBody, TResult>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TResult> resultType, CancellationToken cancellationToken)
    {
        var request = new ApiRequest(HttpMethod.Post, path)
        {
            Content = JsonBody(body, bodyType, "application/json"),
            IdempotencyKey = Guid.CreateVersion7(Time.GetUtcNow()).ToString(),
        };
        return await SendAsync(request, resultType, cancellationToken);
    }

    public Task<TResult> PostAsync<TBody, TResult>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TResult> resultType, CancellationToken cancellationToken) =>
        SendAsync(new ApiRequest(HttpMethod.Post, path) { Content = JsonBody(body, bodyType, "application/json") }, resultType, cancellationToken);

    public Task<TResult> PutAsync<TBody, TResult>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TResult> resultType, CancellationToken cancellationToken) =>
        SendAsync(new ApiRequest(HttpMethod.Put, path) { Content = JsonBody(body, bodyType, "application/json") }, resultType, cancellationToken);

    public Task<TResult> PostAsync<TResult>(string path, JsonTypeInfo<TResult> resultType, CancellationToken cancellationToken) =>
        SendAsync(new ApiRequest(HttpMethod.Post, path), resultType, cancellationToken);

    /// <summary>A merge patch (RFC 7396), refused when <paramref name="ifMatch"/> is given and no longer the object's ETag.</summary>
    public Task<TResult> PatchAsync<TBody, TResult>(
        string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TResult> resultType, string? ifMatch, CancellationToken cancellationToken)
    {
        var request = new ApiRequest(HttpMethod.Patch, path)
        {
            Content = JsonBody(body, bodyType, "application/merge-patch+json"),
            IfMatch = ifMatch,
        };
        return SendAsync(request, resultType, cancellationToken);
    }

    public Task<TResult> DeleteAsync<TResult>(string path, JsonTypeInfo<TResult> resultType, CancellationToken cancellationToken) =>
        SendAsync(new ApiRequest(HttpMethod.Delete, path), resultType, cancellationToken);

    public async Task DeleteAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(new ApiRequest(HttpMethod.Delete, path), cancellationToken);
    }

    public async Task<TResult> SendAsync<TResult>(ApiRequest request, JsonTypeInfo<TResult> resultType, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(request, cancellationToken);
        return await ReadAsync(response, resultType, cancellationToken);
    }

    /// <summary>Makes a request and returns its successful answer, unread when the request says so; the caller disposes it.</summary>
    /// <exception cref="LaminaException">The daemon refused.</exception>
    /// <exception cref="LaminaUnreachableException">No answer came.</exception>
    public async Task<HttpResponseMessage> SendAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        bool repeatable = RetryPlan.IsRepeatable(request.Method, request.IdempotencyKey is not null);
        for (int attempt = 1; ; attempt++)
        {
            HttpResponseMessage response;
            try
            {
                response = await TryAsync(request, cancellationToken);
            }
            catch (Exception failure) when (IsBrokenLine(failure, cancellationToken))
            {
                if (!repeatable || RetryPlan.PauseAfter(attempt, null, null) is not { } pause) throw Unreachable(failure);
                await Task.Delay(pause, Time, cancellationToken);
                continue;
            }

            if (response.IsSuccessStatusCode) return response;
            using (response)
            {
                var wait = repeatable ? RetryPlan.PauseAfter(attempt, (int)response.StatusCode, response.Headers.RetryAfter?.Delta) : null;
                if (wait is null) throw await RefusalAsync(response, cancellationToken);
                await Task.Delay(wait.Value, Time, cancellationToken);
            }
        }
    }

    /// <summary>The address of a WebSocket, and the invoker that connects to it over the same line.</summary>
    internal (Uri Address, HttpMessageInvoker Invoker) WebSocketTarget(string path) =>
        (new UriBuilder(new Uri(_baseAddress, path)) { Scheme = _baseAddress.Scheme == "https" ? "wss" : "ws" }.Uri, _invoker);

    internal LaminaUnreachableException Unreachable(Exception cause) => new(UnreachableWords.For(Description, cause), cause);

    private async Task<HttpResponseMessage> TryAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        using var deadline = request.Streams ? null : new CancellationTokenSource(request.Timeout ?? _options.RequestTimeout, Time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline?.Token ?? CancellationToken.None);
        using var message = Message(request);
        var response = await _invoker.SendAsync(message, linked.Token);
        try
        {
            if (!request.Streams) await response.Content.LoadIntoBufferAsync(linked.Token);
            if (response.Headers.TryGetValues(RevisionMemory.AnswerHeader, out var values)) _revisions.Note(values.First());
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private async Task<LaminaException> RefusalAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var problem = await ProblemReader.ReadAsync(response, cancellationToken);
        // Said once: what the caller knew is void, and the next request must not be refused for it again.
        if (problem.Code == RevisionMemory.OtherStoreCode) _revisions.Forget();
        return new LaminaException(problem);
    }

    private HttpRequestMessage Message(ApiRequest request)
    {
        var message = new HttpRequestMessage(request.Method, new Uri(_baseAddress, request.Path)) { Content = request.Content?.Invoke() };
        var headers = message.Headers;
        headers.UserAgent.ParseAdd(_options.UserAgent);
        headers.Accept.ParseAdd(request.Accept);
        if (_options.Token is { } token) headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (request.IfMatch is { } etag) headers.IfMatch.ParseAdd(etag);
        if (request.IdempotencyKey is { } key) headers.Add("Idempotency-Key", key);
        if (request.RangeFrom is > 0 and var from) headers.Range = new RangeHeaderValue(from, null);
        if (request.LastEventId is { } last) headers.Add("Last-Event-ID", last);
        // A change too is decided on what the caller has seen: a daemon that lags behind would refuse it for what is no longer so.
        if (_revisions.Newest is { } revision) headers.Add(RevisionMemory.WaitHeader, revision);
        return message;
    }

    internal static Func<HttpContent> JsonBody<T>(T body, JsonTypeInfo<T> type, string mediaType)
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(body, type);
        return () => new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue(mediaType) } };
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            return await JsonSerializer.DeserializeAsync(body, type, cancellationToken) ?? throw new JsonException("The answer is null.");
        }
        catch (JsonException failure)
        {
            throw new LaminaUnreachableException(
                $"{Description} answered {response.RequestMessage?.RequestUri?.AbsolutePath} with something that is no {typeof(T).Name}. Do its version and this client's fit?",
                failure);
        }
    }

    private static bool IsBrokenLine(Exception failure, CancellationToken cancellationToken) =>
        failure is HttpRequestException or IOException || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested);
}
