using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Lamina.Api;
using Lamina.Server;
using Lamina.Testing.Server;
using Xunit;

namespace Lamina.Tests.Integration.Http;

/// <summary>Starts that fail, and what a restart keeps.</summary>
public sealed class StartTests
{
    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public async Task APortInUseIsSaidToBe()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var refused = await Assert.ThrowsAsync<ProblemException>(() => TestDaemon.StartAsync($"api: {{port: {port}}}"));
        Assert.Equal("api.addressRefused", refused.Code);
        Assert.Contains($"{port}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABadConfigurationIsSaidToBe()
    {
        var refused = await Assert.ThrowsAsync<ProblemException>(() => TestDaemon.StartAsync("api: {prot: 1}"));
        Assert.Contains("do you mean 'port'?", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARestartKeepsNumberRecordsAndHistory()
    {
        await using var daemon = await TestDaemon.StartAsync();
        using (var made = await daemon.Local.PostAsync("/v1/projects", new StringContent("""{"name":"blue"}""", new System.Net.Http.Headers.MediaTypeHeaderValue("application/json")), Deadline))
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var before = daemon.Instance;
        await daemon.RestartAsync();
        Assert.Equal(before, daemon.Instance);
        Assert.Equal(HttpStatusCode.OK, (await daemon.Local.GetAsync("/v1/projects/blue", Deadline)).StatusCode);
        var events = JsonSerializer.Deserialize(await daemon.Local.GetStringAsync("/v1/events?kind=daemon.started", Deadline), ApiJson.Default.PageEvent)!;
        Assert.Equal(2, events.Items.Count);
        var audit = JsonSerializer.Deserialize(await daemon.Local.GetStringAsync("/v1/audit", Deadline), ApiJson.Default.PageAuditEntry)!;
        var entry = Assert.Single(audit.Items);
        Assert.Equal(("POST /v1/projects", 201, "project", "local:0"), (entry.Action, entry.StatusCode, entry.Target!.Kind, entry.Subject));
    }
}
