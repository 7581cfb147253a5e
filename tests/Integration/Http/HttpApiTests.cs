using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;
using Lamina.Testing.Server;
using Xunit;

namespace Lamina.Tests.Integration.Http;

/// <summary>What every endpoint has in common, through a whole daemon.</summary>
public sealed class HttpApiTests(SharedDaemon shared) : IClassFixture<SharedDaemon>
{
    private readonly TestDaemon _daemon = shared.Daemon;

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", "/v1/nothing", 404, "path.notFound")]
    [InlineData("DELETE", "/v1", 405, "method.notAllowed")]
    [InlineData("GET", "/v1/operations?color=red", 400, "input.invalid")]
    [InlineData("GET", "/v1/operations?limit=0", 400, "input.invalid")]
    [InlineData("GET", "/v1/operations?limit=1001", 400, "input.invalid")]
    [InlineData("GET", "/v1/operations?cursor=!", 400, "input.invalid")]
    [InlineData("GET", "/v1/operations?project=Not%20A%20Name", 400, "input.invalid")]
    [InlineData("GET", "/v1/operations/none", 404, "operation.notFound")]
    [InlineData("GET", "/v1/watch", 400, "input.invalid")]
    [InlineData("GET", "/v1/watch?kinds=unicorns", 400, "input.invalid")]
    [InlineData("POST", "/v1/users?project=*", 400, "input.invalid")]
    public async Task RefusalsAreProblems(string method, string path, int status, string code)
    {
        using var response = await _daemon.Local.SendAsync(new HttpRequestMessage(new HttpMethod(method), path), Deadline);
        var problem = await ProblemOfAsync(response);
        Assert.Equal((status, code), ((int)response.StatusCode, problem.Code));
        Assert.Equal(response.Headers.GetValues("X-Request-Id").Single(), problem.RequestId);
    }

    [Fact]
    public async Task EveryProblemOfABodyIsListed()
    {
        using var response = await PostAsync("/v1/users", """{"nam":"x","password":5,"admin":true}""");
        var problem = await ProblemOfAsync(response);
        Assert.Equal(["$.nam", "$.password", "$.admin", "$.name"], problem.Problems!.Select(one => one.Path));
    }

    [Fact]
    public async Task ABodyThatIsNoJsonOrTooLongIsRefused()
    {
        using var text = await _daemon.Local.PostAsync("/v1/users", new StringContent("name=x", Encoding.UTF8, "application/x-www-form-urlencoded"), Deadline);
        Assert.Equal((HttpStatusCode.UnsupportedMediaType, "body.mediaType"), (text.StatusCode, (await ProblemOfAsync(text)).Code));
        using var broken = await PostAsync("/v1/users", "{");
        Assert.Equal("json.invalid", (await ProblemOfAsync(broken)).Problems!.Single().Code);
        using var endless = await PostAsync("/v1/users", $$"""{"name":"{{new string('x', 300_000)}}"}""");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, endless.StatusCode);
    }

    [Fact]
    public async Task AnIdOfTheClientIsKeptWhenHarmless()
    {
        Assert.Equal("my-id.1", await RequestIdAsync("my-id.1"));
        Assert.NotEqual("a b", await RequestIdAsync("a b"));
    }

    [Fact]
    public async Task AReadWaitsForTheRevisionOfAWriteAndNoLongerThanThat()
    {
        using var read = await _daemon.Local.GetAsync("/v1", Deadline);
        string revision = read.Headers.GetValues("Lamina-Revision").Single();
        string store = revision[..revision.LastIndexOf('-')];
        Assert.Equal(HttpStatusCode.OK, (await ReadAtAsync(revision)).Status);
        Assert.Equal((HttpStatusCode.BadRequest, "revision.invalid"), await ReadAtAsync("yesterday"));
        Assert.Equal((HttpStatusCode.Conflict, "revision.otherStore"), await ReadAtAsync("other-1"));
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "revision.notYet"), await ReadAtAsync($"{store}-999999"));
    }

    [Fact]
    public async Task WithoutALogInOnlyThePublicIsOpen()
    {
        using var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } };
        using var stranger = new HttpClient(handler) { BaseAddress = _daemon.Address };
        Assert.Equal(HttpStatusCode.OK, (await stranger.GetAsync("/healthz", Deadline)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await stranger.GetAsync("/openapi/v1.json", Deadline)).StatusCode);
        var information = await ReadAsync(await stranger.GetAsync("/v1", Deadline), ApiJson.Default.ServerInformation);
        Assert.Equal(_daemon.Instance.Name, information.Instance);
        using var refused = await stranger.GetAsync("/v1/operations", Deadline);
        Assert.Equal((HttpStatusCode.Unauthorized, "auth.required"), (refused.StatusCode, (await ProblemOfAsync(refused)).Code));
        Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.First().Scheme);
    }

    [Fact]
    public async Task LongAnswersAreCompressedWhenAskedFor()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/users");
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        using var response = await _daemon.Local.SendAsync(request, Deadline);
        Assert.Equal("gzip", response.Content.Headers.ContentEncoding.Single());
    }

    private async Task<string> RequestIdAsync(string brought)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1");
        request.Headers.Add("X-Request-Id", brought);
        using var response = await _daemon.Local.SendAsync(request, Deadline);
        return response.Headers.GetValues("X-Request-Id").Single();
    }

    private async Task<(HttpStatusCode Status, string? Code)> ReadAtAsync(string revision)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/users");
        request.Headers.Add("Lamina-Min-Revision", revision);
        using var response = await _daemon.Local.SendAsync(request, Deadline);
        return (response.StatusCode, response.IsSuccessStatusCode ? null : (await ProblemOfAsync(response)).Code);
    }

    private Task<HttpResponseMessage> PostAsync(string path, string json) =>
        _daemon.Local.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"), Deadline);

    private static Task<Problem> ProblemOfAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        return ReadAsync(response, ApiJson.Default.Problem);
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(await response.Content.ReadAsStringAsync(Deadline), type)!;
}
