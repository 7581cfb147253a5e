using System.Text;
using System.Text.Json;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Testing.Store;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Primitives;
using Xunit;

namespace Lamina.Tests.Unit.Http;

/// <summary>The dispatcher on a real store, without a server: requests are made by hand.</summary>
internal sealed class HttpWorld : IAsyncDisposable
{
    private readonly TestStore _store = TestStore.Create();
    private readonly ProblemMiddleware _problems = new(TimeProvider.System, NullLogger<ProblemMiddleware>.Instance);

    private HttpWorld(Action<ApiRequest, StoreChange, ObjectReference?, int>? onCommit)
    {
        Cache = new Cache(_store.Store, Keys.Cached, TimeProvider.System, NullLogger<Cache>.Instance);
        Services = new ApiServices { Store = _store.Store, Cache = Cache, Time = TimeProvider.System, OnCommit = onCommit ?? ((_, _, _, _) => { }) };
        Dispatcher = new ApiDispatcher(Services);
    }

    public Cache Cache { get; }

    public ApiServices Services { get; }

    public ApiDispatcher Dispatcher { get; }

    public static async Task<HttpWorld> StartAsync(Action<ApiRequest, StoreChange, ObjectReference?, int>? onCommit = null)
    {
        var world = new HttpWorld(onCommit);
        await world.Cache.StartAsync(TestContext.Current.CancellationToken);
        return world;
    }

    public async Task<HttpAnswer> AskAsync(
        EndpointDescription endpoint,
        Func<ApiRequest, ValueTask<ApiAnswer>> handler,
        string? body = null,
        string query = "",
        Caller? caller = null,
        params (string Name, string Value)[] headers)
    {
        var http = new DefaultHttpContext();
        using var answer = new MemoryStream();
        http.Response.Body = answer;
        http.Request.Method = endpoint.Method;
        http.Request.Path = endpoint.Pattern;
        http.Request.QueryString = new QueryString(query);
        http.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body ?? ""));
        foreach (var (name, value) in headers) http.Request.Headers[name] = new StringValues(value);
        Caller.Set(http, caller ?? new Caller("user:admin", (_, _) => true));
        await _problems.InvokeAsync(http, context => Dispatcher.RunAsync(context, endpoint, handler));
        return new HttpAnswer(http.Response.StatusCode, http.Response.Headers, Encoding.UTF8.GetString(answer.ToArray()));
    }

    public async Task<long> CommitAsync(StoreChange change)
    {
        var result = await change.CommitAsync(_store.Store, TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.True(result.Succeeded);
        Assert.True(await Cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(10)));
        return result.Revision;
    }

    public async ValueTask DisposeAsync()
    {
        await Cache.DisposeAsync();
        await _store.DisposeAsync();
    }
}

internal sealed record HttpAnswer(int Status, IHeaderDictionary Headers, string Body)
{
    public Problem Problem => JsonSerializer.Deserialize(Body, ApiJson.Default.Problem)!;
}
