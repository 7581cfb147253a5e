using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Testing.Engine;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Vms;

/// <summary>The API of VMs through a whole daemon, over an engine that needs no guest.</summary>
public sealed class VmApiTests : IAsyncLifetime
{
    private readonly FakeEngine _engine = new();
    private TestDaemon _daemon = null!;

    /// <summary>The revision of the last answer that told one.</summary>
    private string? _written;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _daemon = await TestDaemon.StartAsync(change: options => options with { Engine = _engine });
        await _daemon.Client.HostIsReadyAsync(Token);
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task Bad_input_names_every_problem_and_changes_nothing()
    {
        var (status, problem) = await PostAsync("/v1/vms", """{"name":"UPPER","cpus":0,"memoryMiB":1,"image":"no/such","disks":[{"sizeBytes":1000}],"nics":[{"mac":"x"}],"unknown":1}""");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("input.invalid", (string?)problem["code"]);
        Assert.Contains("$.unknown", Paths(problem));
        (_, problem) = await PostAsync("/v1/vms", """{"name":"UPPER","cpus":0,"memoryMiB":1,"image":"no/such","disks":[{"sizeBytes":1000}],"nics":[{"mac":"x"}]}""");
        Assert.Equal(["$.name", "$.cpus", "$.memoryMiB", "$.disks[0].image", "$.nics[0].mac"], Paths(problem));
        Assert.Empty((await GetAsync("/v1/vms"))["items"]!.AsArray());
        Assert.Empty((await GetAsync("/v1/disks"))["items"]!.AsArray());
    }

    [Fact]
    public async Task Illegal_moves_are_refused_at_once_and_what_already_is_succeeds()
    {
        await DoAsync("/v1/vms", """{"name":"web1","nics":[]}""");
        foreach (var (verb, code) in ((string, string)[])[("pause", "vm.notRunning"), ("resume", "vm.notPaused"), ("reset", "vm.notRunning")])
            Assert.Equal((HttpStatusCode.Conflict, code), Code(await PostAsync($"/v1/vms/web1/{verb}", null)));
        await DoAsync("/v1/vms/web1/stop", null);
        await DoAsync("/v1/vms/web1/shutdown", null);
        await DoAsync("/v1/vms/web1/start", null);
        await DoAsync("/v1/vms/web1/start", null);
        Assert.Single(_engine.Started);
        Assert.Equal((HttpStatusCode.Conflict, "vm.running"), Code(await PostAsync("/v1/vms/web1/stop", null)));
        Assert.Equal((HttpStatusCode.Conflict, "vm.running"), Code(await SendAsync(HttpMethod.Delete, "/v1/vms/web1", null)));
        Assert.Equal((HttpStatusCode.Conflict, "agent.unavailable"), Code(await PostAsync("/v1/vms/web1/exec", """{"command":["ls"],"timeoutSeconds":20}""")));
        Assert.Equal((HttpStatusCode.BadRequest, "input.invalid"), Code(await PostAsync("/v1/vms/web1/exec", """{"command":[],"timeoutSeconds":0}""")));
        Assert.Equal((HttpStatusCode.BadRequest, "input.invalid"), Code(await PostAsync("/v1/vms/web1/shutdown", """{"timeoutSeconds":0}""")));
        Assert.Equal((HttpStatusCode.NotFound, "vm.notFound"), Code(await PostAsync("/v1/vms/nobody/start", null)));
    }

    [Fact]
    public async Task A_forecast_makes_nothing_and_says_what_the_creation_then_does()
    {
        Assert.Equal((HttpStatusCode.BadRequest, "input.invalid"), Code(await PostAsync("/v1/vms/forecast", """{"name":"plan","cpus":0,"unknown":1}""")));
        const string Body = """{"name":"plan","nics":[],"disks":[{"sizeBytes":1073741824}]}""";
        var (status, forecast) = await PostAsync("/v1/vms/forecast", Body);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Empty(Names(await GetAsync("/v1/vms")));
        Assert.Empty((await GetAsync("/v1/operations"))["items"]!.AsArray());
        await DoAsync("/v1/vms", Body);
        var vm = await GetAsync("/v1/vms/plan");
        Assert.Equal((string?)vm["assignment"]!["host"], (string?)forecast["host"]);
        Assert.Equal((string?)vm["assignment"]!["why"]!["reason"], (string?)forecast["why"]!["reason"]);
        Assert.Equal((string?)(await GetAsync("/v1/disks"))["items"]![0]!["name"], (string?)forecast["disks"]![0]!["name"]);
    }

    [Fact]
    public async Task A_name_is_taken_once_and_free_again_after_a_rename()
    {
        await DoAsync("/v1/vms", """{"name":"one","nics":[]}""");
        Assert.Equal((HttpStatusCode.BadRequest, "input.invalid"), Code(await PostAsync("/v1/vms", """{"name":"one","nics":[]}""")));
        var (status, renamed) = await SendAsync(HttpMethod.Patch, "/v1/vms/one", """{"name":"two","notes":"hello","tags":["a","b"]}""");
        Assert.Equal((HttpStatusCode.OK, "two", "hello"), (status, (string?)renamed["name"], (string?)renamed["spec"]!["notes"]));
        await DoAsync("/v1/vms", """{"name":"one","nics":[],"tags":["c"]}""");
        Assert.Equal(["one", "two"], Names(await GetAsync("/v1/vms")));
        Assert.Equal(["two"], Names(await GetAsync("/v1/vms?tag=b")));
        Assert.Equal(["one"], Names(await GetAsync("/v1/vms?name=o*&state=stopped")));
        Assert.Empty(Names(await GetAsync("/v1/vms?state=running")));
        (_, var cleared) = await SendAsync(HttpMethod.Patch, "/v1/vms/two", """{"notes":null,"tags":null}""");
        Assert.Null(cleared["spec"]!["notes"]);
        Assert.Empty(cleared["spec"]!["tags"]!.AsArray());
    }

    [Fact]
    public async Task A_change_on_an_older_state_is_refused()
    {
        await DoAsync("/v1/vms", """{"name":"etag","nics":[]}""");
        using var read = await _daemon.Local.GetAsync("/v1/vms/etag", Token);
        string tag = read.Headers.ETag!.Tag;
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(HttpMethod.Patch, "/v1/vms/etag", """{"cpus":2}""", tag)).Status);
        Assert.Equal((HttpStatusCode.PreconditionFailed, "etag.mismatch"), Code(await SendAsync(HttpMethod.Patch, "/v1/vms/etag", """{"cpus":3}""", tag)));
        Assert.Equal(2, (int)(await GetAsync("/v1/vms/etag"))["spec"]!["cpus"]!);
    }

    [Fact]
    public async Task The_same_creation_twice_makes_one()
    {
        string[] operations = new string[2];
        for (int attempt = 0; attempt < 2; attempt++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/vms") { Content = Json("""{"name":"once","nics":[]}""") };
            request.Headers.Add("Idempotency-Key", "k-1");
            using var response = await _daemon.Local.SendAsync(request, Token);
            Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
            operations[attempt] = (string)(await response.Content.ReadFromJsonAsync<JsonObject>(Token))!["id"]!;
        }

        Assert.Equal(operations[0], operations[1]);
        Assert.Single(Names(await GetAsync("/v1/vms")));
    }

    [Fact]
    public async Task Passwords_and_keys_are_in_no_record_that_can_be_read()
    {
        await DoAsync("/v1/vms", """{"name":"sealed","nics":[],"cloudInit":{"user":"me","password":"correct horse"}}""");
        string all = (await GetAsync("/v1/vms/sealed")).ToJsonString() + (await GetAsync("/v1/operations")).ToJsonString() + (await GetAsync("/v1/events")).ToJsonString();
        Assert.DoesNotContain("correct horse", all, StringComparison.Ordinal);
        Assert.DoesNotContain("$6$", all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cloud_init_is_told_changes_for_the_next_start_and_what_is_not_named_stays()
    {
        const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@here";
        await DoAsync("/v1/vms", $$"""{"name":"told","nics":[],"cloudInit":{"user":"me","password":"correct horse","sshKeys":["{{Key}}"] } }""");
        string first = await SeedAsync();

        var (status, changed) = await SendAsync(HttpMethod.Patch, "/v1/vms/told/cloud-init", """{"hostname":"renamed","password":"battery staple"}""");
        Assert.Equal((HttpStatusCode.OK, "renamed"), (status, (string?)changed["spec"]!["cloudInit"]!["hostname"]));
        Assert.DoesNotContain("battery", changed.ToJsonString(), StringComparison.Ordinal);
        string second = await SeedAsync();
        Assert.Contains($"instance-id: \"{changed["spec"]!["cloudInit"]!["instanceId"]}\"", second, StringComparison.Ordinal);
        Assert.Contains("local-hostname: \"renamed\"", second, StringComparison.Ordinal);
        Assert.Contains(Key, second, StringComparison.Ordinal);
        Assert.Contains("name: \"me\"", second, StringComparison.Ordinal);
        Assert.NotEqual(HashIn(first), HashIn(second));

        (_, var again) = await SendAsync(HttpMethod.Patch, "/v1/vms/told/cloud-init", """{"sshKeys":null}""");
        string third = await SeedAsync();
        Assert.NotEqual((string?)changed["spec"]!["cloudInit"]!["instanceId"], (string?)again["spec"]!["cloudInit"]!["instanceId"]);
        Assert.Equal(HashIn(second), HashIn(third));
        Assert.DoesNotContain(Key, third, StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.OK, (await SendAsync(HttpMethod.Patch, "/v1/vms/told/cloud-init", """{"userData":"#!/bin/sh\necho mine\n"}""")).Status);
        string own = await SeedAsync();
        Assert.Contains("echo mine", own, StringComparison.Ordinal);
        Assert.Equal("", HashIn(own));
    }

    [Fact]
    public async Task Cloud_init_that_nobody_could_use_is_refused_whole()
    {
        await DoAsync("/v1/vms", """{"name":"plain","nics":[]}""");
        var (status, problem) = await SendAsync(HttpMethod.Patch, "/v1/vms/plain/cloud-init", """{"hostname":"no host","user":"Me","userData":"#cloud-config"}""");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(["$.userData", "$.hostname", "$.user"], Paths(problem));
        Assert.Null((await GetAsync("/v1/vms/plain"))["spec"]!["cloudInit"]);
        Assert.Equal((HttpStatusCode.NotFound, "vm.notFound"), Code(await SendAsync(HttpMethod.Patch, "/v1/vms/nobody/cloud-init", "{}")));
        var (_, given) = await SendAsync(HttpMethod.Patch, "/v1/vms/plain/cloud-init", """{"user":"me"}""");
        Assert.Equal("plain", (string?)given["spec"]!["cloudInit"]!["hostname"]);
    }

    /// <summary>What the seed of the next start of VM "told" holds; its files lie in it as they are.</summary>
    private async Task<string> SeedAsync()
    {
        await DoAsync("/v1/vms/told/start", null);
        string seed = await File.ReadAllTextAsync(_engine.Started[^1].Cdroms.Single().Path!, Token);
        await DoAsync("/v1/vms/told/stop", """{"force":true}""");
        return seed;
    }

    /// <summary>Empty: there is no password in it.</summary>
    private static string HashIn(string seed) =>
        seed.IndexOf("hashed_passwd: \"", StringComparison.Ordinal) is var at and >= 0 ? seed[at..seed.IndexOf('\n', at)] : "";

    [Fact]
    public async Task Guests_are_let_power_off_with_their_host()
    {
        await DoAsync("/v1/vms", """{"name":"late","nics":[],"start":true}""");
        string host = (string)(await GetAsync("/v1/hosts"))["items"]![0]!["name"]!;
        await DoAsync($"/v1/hosts/{host}/shutdown-guests", """{"timeoutSeconds":60}""");
        var vm = await GetAsync("/v1/vms/late");
        Assert.Equal(("stopped", "hostBoot"), ((string?)vm["status"]!["state"], (string?)vm["status"]!["stopCause"]));
        Assert.Equal((HttpStatusCode.Conflict, "host.stopping"), Code(await PostAsync("/v1/vms/late/start", null)));
    }

    [Fact]
    public async Task The_log_tells_what_happened()
    {
        await DoAsync("/v1/vms", """{"name":"told","nics":[],"start":true}""");
        await DoAsync("/v1/vms/told/stop", """{"force":true}""");
        string log = await _daemon.Local.GetStringAsync("/v1/vms/told/log", Token);
        int created = log.IndexOf("vm.created", StringComparison.Ordinal), started = log.IndexOf("vm.started", StringComparison.Ordinal), stopped = log.IndexOf("vm.stopped", StringComparison.Ordinal);
        Assert.True(created >= 0 && created < started && started < stopped, log);
    }

    private static IReadOnlyList<string> Paths(JsonNode problem) => [.. problem["problems"]!.AsArray().Select(found => (string)found!["path"]!)];

    private static IReadOnlyList<string> Names(JsonNode page) => [.. page["items"]!.AsArray().Select(vm => (string)vm!["name"]!)];

    private static (HttpStatusCode Status, string? Code) Code((HttpStatusCode Status, JsonNode Body) answer) => (answer.Status, (string?)answer.Body["code"]);

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    /// <summary>Asks, and waits for the operation to succeed.</summary>
    private async Task DoAsync(string path, string? body)
    {
        var (status, operation) = await PostAsync(path, body);
        Assert.True(status == HttpStatusCode.Accepted, operation.ToJsonString());
        string id = (string)operation["id"]!;
        // The other client does not know what this one wrote, and the cache is a moment behind.
        using var own = new HttpRequestMessage(HttpMethod.Get, $"/v1/operations/{id}") { Headers = { { "Lamina-Min-Revision", _written } } };
        using (var seen = await _daemon.Local.SendAsync(own, Token)) Assert.Equal(HttpStatusCode.OK, seen.StatusCode);
        var ended = await _daemon.Client.Operations.WaitAsync(id, null, Token);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
    }

    private async Task<JsonNode> GetAsync(string path) => (await _daemon.Local.GetFromJsonAsync<JsonNode>(path, Token))!;

    private Task<(HttpStatusCode Status, JsonNode Body)> PostAsync(string path, string? body) => SendAsync(HttpMethod.Post, path, body);

    private async Task<(HttpStatusCode Status, JsonNode Body)> SendAsync(HttpMethod method, string path, string? body, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null) request.Content = Json(body);
        if (ifMatch is not null) request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        using var response = await _daemon.Local.SendAsync(request, Token);
        if (response.Headers.TryGetValues("Lamina-Revision", out var written)) _written = written.Single();
        return (response.StatusCode, JsonSerializer.Deserialize<JsonNode>(await response.Content.ReadAsStringAsync(Token))!);
    }
}
