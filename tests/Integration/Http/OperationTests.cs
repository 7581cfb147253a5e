using System.Net;
using System.Text.Json;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Testing.Server;
using Xunit;

namespace Lamina.Tests.Integration.Http;

/// <summary>Long jobs through the API. Those begun here belong to another host, so that nobody but the test moves them.</summary>
public sealed class OperationTests(SharedDaemon shared) : IClassFixture<SharedDaemon>
{
    private readonly TestDaemon _daemon = shared.Daemon;

    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ItWaitsForItsExecutorUntilThatSaysSomething()
    {
        string id = await BeginAsync();
        Assert.Equal(OperationPhase.Pending, (await ShowAsync($"{id}?waitSeconds=0")).State!.Phase);
        Assert.Equal(OperationPhase.Pending, (await ShowAsync($"{id}?waitSeconds=1")).State!.Phase);
        var waiting = ShowAsync($"{id}?waitSeconds=60");
        await SetAsync(id, new OperationState { Phase = OperationPhase.Running, ProgressPercent = 5, Message = "begun" });
        await SetAsync(id, new OperationState { Phase = OperationPhase.Succeeded });
        Assert.Equal(OperationPhase.Succeeded, (await waiting).State!.Phase);
    }

    [Fact]
    public async Task AListIsFilteredByPhaseKindAndTarget()
    {
        string pending = await BeginAsync();
        string ended = await BeginAsync();
        await SetAsync(ended, new OperationState { Phase = OperationPhase.Failed });
        Assert.Equal([ended], await ListAsync($"phase=failed,cancelled&target={ended}"));
        Assert.Equal([pending], await ListAsync($"kind=test.*&target={pending}"));
        Assert.Empty(await ListAsync($"kind=vm.*&target={pending}"));
        Assert.Empty(await ListAsync($"target={pending}&project=other"));
        Assert.Equal([pending], await ListAsync($"target={pending}&project=*"));
    }

    [Fact]
    public async Task ACancellationIsARequestThatItsExecutorSees()
    {
        string id = await BeginAsync();
        Assert.Equal((HttpStatusCode.OK, null), await CancelAsync(id));
        Assert.True((await ShowAsync(id)).Request.CancelRequested);
        Assert.Equal((HttpStatusCode.OK, null), await CancelAsync(id));
    }

    [Fact]
    public async Task WhatCannotBeCancelledSaysSo()
    {
        string id = await BeginAsync();
        await SetAsync(id, new OperationState { Phase = OperationPhase.Running, Cancellable = false });
        Assert.Equal((HttpStatusCode.Conflict, "operation.notCancellable"), await CancelAsync(id));
        await SetAsync(id, new OperationState { Phase = OperationPhase.Succeeded });
        Assert.Equal((HttpStatusCode.Conflict, "operation.ended"), await CancelAsync(id));
        Assert.Equal((HttpStatusCode.NotFound, "operation.notFound"), await CancelAsync("none"));
    }

    [Fact]
    public async Task StreamsEndWithTheDaemonAndAreNoReasonForItToWait()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var stream = await daemon.Local.GetStreamAsync("/v1/watch?kinds=operations", Deadline);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync(Deadline) is { } line && !line.Contains("synced", StringComparison.Ordinal))
        {
        }

        await daemon.Daemon.StopAsync();
        // An end, not a broken line: that would throw here.
        await reader.ReadToEndAsync(Deadline);
    }

    private async Task<string> BeginAsync()
    {
        var change = new StoreChange("test");
        var draft = new OperationDraft { Kind = "test.nothing", Target = new ObjectReference { Kind = "test", Id = "" }, RequestedBy = "system", Host = "elsewhere" };
        var operation = new OperationRequests(TimeProvider.System).Add(change, draft);
        // Its own id as its target: the daemon is shared by tests.
        change = new StoreChange("test").Create(Keys.Operations.Request, operation.Id, operation.Request with { Target = new ObjectReference { Kind = "test", Id = operation.Id } });
        await CommitAsync(change);
        return operation.Id;
    }

    private Task SetAsync(string id, OperationState state) => CommitAsync(new StoreChange("test").Put(Keys.Operations.State, id, state));

    private async Task CommitAsync(StoreChange change)
    {
        var result = await change.CommitAsync(_daemon.Daemon.Store, TimeProvider.System, Deadline);
        Assert.True(result.Succeeded);
        // What follows reads from a state that holds it.
        _daemon.Local.DefaultRequestHeaders.Remove("Lamina-Min-Revision");
        _daemon.Local.DefaultRequestHeaders.Add("Lamina-Min-Revision", $"{_daemon.Daemon.Store.StoreId}-{result.Revision}");
    }

    private async Task<Operation> ShowAsync(string idAndQuery) =>
        JsonSerializer.Deserialize(await _daemon.Local.GetStringAsync($"/v1/operations/{idAndQuery}", Deadline), ApiJson.Default.Operation)!;

    private async Task<IEnumerable<string>> ListAsync(string query) =>
        JsonSerializer.Deserialize(await _daemon.Local.GetStringAsync($"/v1/operations?{query}", Deadline), ApiJson.Default.PageOperation)!
            .Items.Select(operation => operation.Id);

    private async Task<(HttpStatusCode Status, string? Code)> CancelAsync(string id)
    {
        using var response = await _daemon.Local.PostAsync($"/v1/operations/{id}/cancel", null, Deadline);
        string body = await response.Content.ReadAsStringAsync(Deadline);
        return (response.StatusCode, response.IsSuccessStatusCode ? null : JsonSerializer.Deserialize(body, ApiJson.Default.Problem)!.Code);
    }
}
