using Lamina.Engine.Qmp;
using static Lamina.Engine.Qmp.QmpNothing;

namespace Lamina.Tests.Unit.Engine.Qmp;

public class QmpClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_call_gets_its_answer_and_the_version_is_known()
    {
        var (peer, client) = await QmpPeer.OpenAsync(Token);
        var asking = client.ExecuteAsync(QmpCommands.QueryStatus, Instance, Token);
        var received = await peer.ReceiveAsync(Token);
        Assert.Equal("query-status", received.Command);
        Assert.Equal("{}", received.Arguments);
        await peer.SendAsync($$"""{"return": {"status": "prelaunch", "singlestep": false, "running": false}, "id": {{received.Id}}}""");
        Assert.Equal(new StatusInfo { Running = false, Status = RunState.PreLaunch }, await asking);
        Assert.Equal("7.2.22", client.Version.ToString());
    }

    [Fact]
    public async Task Out_of_band_is_asked_for_and_used()
    {
        var peer = new QmpPeer();
        var opening = QmpClient.OpenAsync(peer.Near, outOfBand: true, Token);
        await peer.SendAsync(QmpPeer.Greeting);
        var capabilities = await peer.ReceiveAsync(Token);
        Assert.Equal("""{"enable":["oob"]}""", capabilities.Arguments);
        await peer.SendAsync($$"""{"return": {}, "id": {{capabilities.Id}}}""");
        var client = await opening;
        var calling = client.ExecuteOutOfBandAsync(QmpCommands.QueryStatus, Instance, Token);
        var received = await peer.ReceiveAsync(Token);
        Assert.True(received.OutOfBand);
        await peer.SendAsync($$"""{"return": {"status": "running", "running": true}, "id": {{received.Id}}}""");
        Assert.True((await calling).Running);
    }

    [Fact]
    public async Task Answers_may_come_out_of_order()
    {
        var (peer, client) = await QmpPeer.OpenAsync(Token);
        var first = client.ExecuteAsync(QmpCommands.QueryBalloon, Instance, Token);
        var second = client.ExecuteAsync(QmpCommands.QueryBalloon, Instance, Token);
        var firstId = (await peer.ReceiveAsync(Token)).Id;
        var secondId = (await peer.ReceiveAsync(Token)).Id;
        await peer.SendAsync($$"""{"return": {"actual": 2}, "id": {{secondId}}}""");
        await peer.SendAsync($$"""{"return": {"actual": 1}, "id": {{firstId}}}""");
        Assert.Equal(1, (await first).Actual);
        Assert.Equal(2, (await second).Actual);
    }

    [Fact]
    public async Task A_no_is_an_error_with_its_class_and_the_line_lives_on()
    {
        var (peer, client) = await QmpPeer.OpenAsync(Token);
        var asking = client.ExecuteAsync(QmpCommands.QueryBalloon, Instance, Token);
        var received = await peer.ReceiveAsync(Token);
        await peer.SendAsync($$"""{"error": {"class": "DeviceNotActive", "desc": "No balloon device has been activated"}, "id": {{received.Id}}}""");
        var error = await Assert.ThrowsAsync<QmpErrorException>(() => asking);
        Assert.Equal(("query-balloon", "DeviceNotActive"), (error.Command, error.ErrorClass));
        Assert.False(client.Closed.IsCompleted);
    }

    [Fact]
    public async Task When_the_line_dies_every_pending_call_fails_with_the_reason()
    {
        var (peer, client) = await QmpPeer.OpenAsync(Token);
        var calls = Enumerable.Range(0, 5).Select(_ => client.ExecuteAsync(QmpCommands.QueryStatus, Instance, Token)).ToArray();
        peer.Hangup();
        foreach (var call in calls)
        {
            var failure = await Assert.ThrowsAsync<QmpClosedException>(() => call);
            Assert.Equal("query-status: QEMU closed the monitor.", failure.Message);
        }
        Assert.IsType<QmpClosedException>(await client.Closed);
        var late = await Assert.ThrowsAsync<QmpClosedException>(() => client.ExecuteAsync(QmpCommands.Stop, Instance, Token));
        Assert.Equal("stop: QEMU closed the monitor.", late.Message);
        await client.Events.Completion;
    }

    [Fact]
    public async Task Disposing_fails_what_is_pending()
    {
        var (_, client) = await QmpPeer.OpenAsync(Token);
        var call = client.ExecuteAsync(QmpCommands.QueryStatus, Instance, Token);
        await client.DisposeAsync();
        await Assert.ThrowsAsync<QmpClosedException>(() => call);
    }

    [Fact]
    public async Task A_cancelled_wait_does_not_put_the_line_out_of_step()
    {
        var (peer, client) = await QmpPeer.OpenAsync(Token);
        using var impatient = new CancellationTokenSource();
        var abandoned = client.ExecuteAsync(QmpCommands.QueryBalloon, Instance, impatient.Token);
        var abandonedId = (await peer.ReceiveAsync(Token)).Id;
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandoned);

        var next = client.ExecuteAsync(QmpCommands.QueryBalloon, Instance, Token);
        var nextId = (await peer.ReceiveAsync(Token)).Id;
        await peer.SendAsync($$"""{"return": {"actual": 1}, "id": {{abandonedId}}}""");
        await peer.SendAsync($$"""{"return": {"actual": 2}, "id": {{nextId}}}""");
        Assert.Equal(2, (await next).Actual);
    }

    [Fact]
    public async Task Events_come_in_order_with_their_data()
    {
        var (peer, client) = await QmpPeer.OpenAsync(Token);
        await peer.SendAsync("""{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP"}""");
        await peer.SendAsync("""{"timestamp": {"seconds": 1, "microseconds": 3}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}""");
        Assert.Equal("STOP", (await client.Events.ReadAsync(Token)).Name);
        var shutdown = QmpEvents.Shutdown.Read(await client.Events.ReadAsync(Token));
        Assert.Equal(new ShutdownEventData { Guest = true, Reason = "guest-shutdown" }, shutdown);
    }

    [Fact]
    public async Task An_event_without_its_promised_data_is_nonsense()
    {
        var (peer, client) = await QmpPeer.OpenAsync(Token);
        await peer.SendAsync("""{"event": "SHUTDOWN"}""");
        await peer.SendAsync("""{"event": "SHUTDOWN", "data": {"guest": "maybe"}}""");
        var bare = await client.Events.ReadAsync(Token);
        var wrong = await client.Events.ReadAsync(Token);
        Assert.Throws<QmpProtocolException>(() => QmpEvents.Shutdown.Read(bare));
        Assert.Throws<QmpProtocolException>(() => QmpEvents.Shutdown.Read(wrong));
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("[1]")]
    [InlineData("{\"return\": {}}")]
    [InlineData("{\"return\": {}, \"id\": 99}")]
    [InlineData("{\"return\": {}, \"id\": \"x\"}")]
    [InlineData("{\"error\": {\"class\": \"GenericError\", \"desc\": \"Invalid JSON syntax\"}}")]
    [InlineData("{\"error\": 5, \"id\": 2}")]
    [InlineData("{\"what\": 1}")]
    [InlineData("{\"event\": 7}")]
    [InlineData("{\"event\": \"STOP\"} {\"event\": \"RESUME\"}")]
    [InlineData(QmpPeer.Greeting)]
    public async Task Nonsense_closes_the_line_and_says_so(string line)
    {
        var (peer, client) = await QmpPeer.OpenAsync(Token);
        var call = client.ExecuteAsync(QmpCommands.QueryStatus, Instance, Token);
        await peer.ReceiveAsync(Token);
        await peer.SendAsync(line);
        await Assert.ThrowsAsync<QmpProtocolException>(() => call);
        Assert.IsType<QmpProtocolException>(await client.Closed);
    }

    [Theory]
    [InlineData("{\"running\": true}")]
    [InlineData("{\"running\": true, \"status\": \"asleep\"}")]
    [InlineData("{\"running\": 1, \"status\": \"running\"}")]
    [InlineData("null")]
    [InlineData("[]")]
    public async Task An_answer_of_the_wrong_shape_is_nonsense(string answer)
    {
        var (peer, client) = await QmpPeer.OpenAsync(Token);
        var call = client.ExecuteAsync(QmpCommands.QueryStatus, Instance, Token);
        var received = await peer.ReceiveAsync(Token);
        await peer.SendAsync($$"""{"return": {{answer}}, "id": {{received.Id}}}""");
        await Assert.ThrowsAsync<QmpProtocolException>(() => call);
    }

    [Fact]
    public async Task Opening_fails_when_the_peer_hangs_up_first()
    {
        using var peer = new QmpPeer();
        var opening = QmpClient.OpenAsync(peer.Near, outOfBand: false, Token);
        peer.Hangup();
        await Assert.ThrowsAsync<QmpClosedException>(() => opening);
    }
}
