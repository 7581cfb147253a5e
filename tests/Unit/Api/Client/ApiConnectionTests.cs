using System.Net;
using Lamina.Api;
using Lamina.Api.Client;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Unit.Api.Client;

public sealed class ApiConnectionTests
{
    private const string EmptyPage = """{"items":[]}""";

    // Pauses of repetitions pass at once.
    private readonly FakeTimeProvider _time = new() { AutoAdvanceAmount = TimeSpan.FromSeconds(1) };

    [Theory]
    [InlineData("application/problem+json", """{"title":"Not Found","status":404,"code":"vm.notFound","detail":"There is no vm 'x'.","remedy":"Look."}""", "vm.notFound", "There is no vm 'x'.")]
    [InlineData("text/html", "<h1>Bad gateway</h1>", "http.404", "Not Found")]
    [InlineData("application/json", "{ broken", "http.404", "Not Found")]
    [InlineData("application/json", "null", "http.404", "Not Found")]
    public async Task ARefusalIsAnExceptionWhateverItsBody(string mediaType, string body, string code, string message)
    {
        using var client = Client(out _, _ => FakeLine.Json(body, HttpStatusCode.NotFound, mediaType));
        var refusal = await Assert.ThrowsAsync<LaminaException>(() => client.Vms.GetAsync("x", default));
        Assert.Equal((code, message, 404), (refusal.Problem.Code, refusal.Message, refusal.Problem.Status));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("<html>")]
    [InlineData("{}")]
    public async Task AnAnswerThatIsNoneIsSaidToBeSo(string body)
    {
        using var client = Client(out _, _ => FakeLine.Json(body));
        var failure = await Assert.ThrowsAsync<LaminaUnreachableException>(() => client.Vms.GetAsync("x", default));
        Assert.Contains("/v1/vms/x", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AReadIsRepeatedWhenTheLineBreaks()
    {
        int asked = 0;
        using var client = Client(out var line, _ => ++asked < 3 ? throw new HttpRequestException("reset") : FakeLine.Json(EmptyPage));
        var reading = client.Pools.ListAsync(default).ToListAsync().AsTask();
        await PassAsync(reading);
        Assert.Equal(3, line.Requests.Count);
    }

    [Fact]
    public async Task ItGivesUpInTheEnd()
    {
        using var client = Client(out var line, _ => throw new HttpRequestException("reset"));
        var reading = client.Pools.ListAsync(default).ToListAsync().AsTask();
        await Assert.ThrowsAsync<LaminaUnreachableException>(() => PassAsync(reading));
        Assert.Equal(RetryPlan.Attempts, line.Requests.Count);
    }

    [Fact]
    public async Task AChangeIsNotRepeated()
    {
        using var client = Client(out var line, _ => throw new HttpRequestException("reset"));
        await Assert.ThrowsAsync<LaminaUnreachableException>(() => client.Vms.StartAsync("x", default));
        Assert.Single(line.Requests);
    }

    [Fact]
    public async Task ACreationIsRepeatedUnderTheSameKey()
    {
        int asked = 0;
        using var client = Client(out var line, _ => ++asked < 2 ? FakeLine.Json("{}", HttpStatusCode.ServiceUnavailable) : FakeLine.Json("""{"name":"shop"}"""));
        var creating = client.Projects.CreateAsync(new Project { Name = "shop" }, default);
        await PassAsync(creating);
        Assert.Equal(2, line.Requests.Count);
        Assert.Single(line.Requests.Select(request => request.Headers["Idempotency-Key"]).Distinct());
        Assert.All(line.Requests, request => Assert.Equal("""{"name":"shop"}""", request.Body));
        var other = client.Projects.CreateAsync(new Project { Name = "shop" }, default);
        await PassAsync(other);
        Assert.NotEqual(line.Requests[0].Headers["Idempotency-Key"], line.Requests[2].Headers["Idempotency-Key"]);
    }

    [Fact]
    public async Task ARefusalIsNotRepeated()
    {
        using var client = Client(out var line, _ => FakeLine.Json("{}", HttpStatusCode.InternalServerError));
        await Assert.ThrowsAsync<LaminaException>(() => client.Pools.ListAsync(default).ToListAsync().AsTask());
        Assert.Single(line.Requests);
    }

    [Fact]
    public async Task WhatIsAskedNextWaitsForTheLastWrite()
    {
        using var client = Client(out var line, request =>
        {
            var answer = FakeLine.Json(request.Method == HttpMethod.Get ? EmptyPage : """{"name":"shop"}""");
            answer.Headers.Add("Lamina-Revision", "a-7");
            return answer;
        });
        await client.Projects.CreateAsync(new Project { Name = "shop" }, default);
        await client.Projects.ListAsync(default).ToListAsync();
        await client.Bindings.DeleteAsync("b1", default);
        Assert.All(line.Requests.Skip(1), request => Assert.Equal("a-7", request.Headers["Lamina-Min-Revision"]));
        Assert.False(line.Requests[0].Headers.ContainsKey("Lamina-Min-Revision"));
    }

    [Fact]
    public async Task PagesAreFollowedToTheEnd()
    {
        using var client = Client(out var line, request => FakeLine.Json(
            request.RequestUri!.Query.Contains("cursor=c1", StringComparison.Ordinal) ? """{"items":[{"name":"b"}]}""" : """{"items":[{"name":"a"}],"next":"c1"}"""));
        Assert.Equal(["a", "b"], (await client.Projects.ListAsync(default).ToListAsync()).Select(project => project.Name));
    }

    [Fact]
    public async Task NamesAndProjectTravelEscaped()
    {
        using var client = Client(out var line, _ => FakeLine.Json("{}"));
        await Assert.ThrowsAsync<LaminaUnreachableException>(() => client.Images.GetAsync("debian/12", default));
        Assert.Equal("/v1/images/debian%2F12?project=shop", line.Requests[0].Path);
        Assert.Equal("Bearer lms_x", line.Requests[0].Headers["Authorization"]);
    }

    [Fact]
    public async Task AnUploadGoesOnWhereTheDaemonStands()
    {
        int broken = 0;
        byte[] file = new byte[1000];
        var progress = new List<long>();
        using var client = Client(out var line, request =>
        {
            if (request.Method == HttpMethod.Post) return FakeLine.Json("""{"id":"u","sizeBytes":1000,"offsetBytes":0}""");
            if (request.Method == HttpMethod.Patch) return ++broken == 1 ? throw new HttpRequestException("reset") : new HttpResponseMessage(HttpStatusCode.NoContent);
            var head = new HttpResponseMessage(HttpStatusCode.NoContent);
            head.Headers.Add("Upload-Offset", broken == 0 ? "0" : "600");
            return head;
        });
        using var source = new MemoryStream(file);
        var sending = client.Uploads.SendAsync(source, new UploadCreate { SizeBytes = 0 }, new Recorder(progress), default);
        await PassAsync(sending);
        Assert.Equal([1000, 400], line.Requests.Where(request => request.Method == "PATCH").Select(request => request.Body.Length));
        Assert.Contains("1000", line.Requests[0].Body, StringComparison.Ordinal);
        Assert.Equal(1000, progress[^1]);
    }

    [Theory]
    [InlineData("http://server:7443")]
    [InlineData("ftp://server")]
    public void ATokenIsNeverSentInTheClear(string address) =>
        Assert.Throws<ArgumentException>(() => new LaminaClient(new LaminaClientOptions { Address = new Uri(address), Token = "lms_x" }));

    [Fact]
    public async Task ADaemonThatIsAwayIsNamedWithTheRemedy()
    {
        using var client = new LaminaClient(new LaminaClientOptions { SocketPath = "/nowhere/lamina.sock" });
        var failure = await Assert.ThrowsAsync<LaminaUnreachableException>(() => client.Vms.StartAsync("x", default));
        Assert.Contains("/nowhere/lamina.sock does not exist", failure.Message, StringComparison.Ordinal);
    }

    private LaminaClient Client(out FakeLine line, Func<HttpRequestMessage, HttpResponseMessage> answer)
    {
        line = new FakeLine(answer);
        var options = new LaminaClientOptions { Address = new Uri("https://server:7443"), Token = "lms_x", Project = "shop", Time = _time };
        return new LaminaClient(new ApiConnection(options, line));
    }

    /// <summary>Lets the pauses between attempts pass until the call has ended.</summary>
    private async Task PassAsync(Task call)
    {
        while (!call.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(3));
            await Task.Yield();
        }

        await call;
    }

    private sealed class Recorder(List<long> seen) : IProgress<long>
    {
        public void Report(long value) => seen.Add(value);
    }
}
