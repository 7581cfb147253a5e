using Lamina.Engine.Agent;

namespace Lamina.Tests.Unit.Engine.Agent;

/// <summary>A guest's agent that answers about files as it likes: the copy ends, and takes no more than it may.</summary>
public class GuestFilesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"return": {"count": 0}}""")]
    [InlineData("""{"return": {"count": 5000000000}}""")]
    [InlineData("""{"return": {"count": -1}}""")]
    [InlineData("""{"return": {"count": "many"}}""")]
    [InlineData("""{"return": 7}""")]
    public async Task A_push_that_does_not_advance_is_given_up(string answer)
    {
        await using var far = new AgentPeer();
        far.Answers["guest-file-open"] = """{"return": 1000}""";
        far.Answers["guest-file-write"] = answer;
        await using var agent = far.Client();
        await Assert.ThrowsAsync<GuestAgentUnavailableException>(() => GuestFiles.PushAsync(agent, "/x", new MemoryStream([1, 2, 3]), Token));
        Assert.Contains("""guest-file-close {"handle":1000}""", far.Requests);
    }

    [Fact]
    public async Task A_push_writes_on_where_the_agent_stopped()
    {
        await using var far = new AgentPeer();
        far.Answers["guest-file-open"] = """{"return": 4}""";
        far.Answers["guest-file-write"] = """{"return": {"count": 1}}""";
        await using var agent = far.Client();
        Assert.Equal(3, await GuestFiles.PushAsync(agent, "/x", new MemoryStream([1, 2, 3]), Token));
        Assert.Equal(["AQID", "AgM=", "Aw=="], far.Requests.Where(request => request.StartsWith("guest-file-write", StringComparison.Ordinal)).Select(request => request.Split('"')[^2]));
    }

    [Fact]
    public async Task An_empty_file_is_opened_and_closed()
    {
        await using var far = new AgentPeer();
        far.Answers["guest-file-open"] = """{"return": 4}""";
        await using var agent = far.Client();
        Assert.Equal(0, await GuestFiles.PushAsync(agent, "/x", new MemoryStream(), Token));
        Assert.Equal(["guest-file-open {\"path\":\"/x\",\"mode\":\"w\"}", "guest-file-close {\"handle\":4}"], far.Requests);
    }

    [Theory]
    [InlineData("""{"return": {"count": 0, "buf-b64": "", "eof": false}}""", "nothing again")]
    [InlineData("""{"return": {"count": 3, "buf-b64": "AAAA", "eof": false}}""", "more than 100 bytes")]
    [InlineData("""{"return": {"count": 1, "buf-b64": "!!", "eof": true}}""", "of no use")]
    public async Task A_pull_without_end_is_given_up(string answer, string why)
    {
        await using var far = new AgentPeer();
        far.Answers["guest-file-open"] = """{"return": 4}""";
        far.Answers["guest-file-read"] = answer;
        await using var agent = far.Client();
        using var taken = new MemoryStream();
        var failure = await Assert.ThrowsAsync<GuestAgentUnavailableException>(() => GuestFiles.PullAsync(agent, "/x", 100, () => { }, taken, Token));
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.True(taken.Length <= 100);
    }

    [Fact]
    public async Task A_piece_larger_than_asked_for_is_not_taken()
    {
        await using var far = new AgentPeer();
        far.Answers["guest-file-open"] = """{"return": 4}""";
        far.Answers["guest-file-read"] = $$"""{"return": {"count": 9, "buf-b64": "{{Convert.ToBase64String(new byte[GuestFiles.PieceBytes + 1])}}", "eof": true} }""";
        await using var agent = far.Client();
        using var taken = new MemoryStream();
        await Assert.ThrowsAsync<GuestAgentUnavailableException>(() => GuestFiles.PullAsync(agent, "/x", long.MaxValue, () => { }, taken, Token));
        Assert.Equal(0, taken.Length);
    }
}
