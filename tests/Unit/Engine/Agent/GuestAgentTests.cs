using System.Text;
using CsCheck;
using Lamina.Engine.Agent;
using Lamina.Testing.Engine;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Unit.Engine.Agent;

public class GuestAgentTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_answer_is_read_after_whatever_an_earlier_agent_left()
    {
        await using var far = new AgentPeer { Stale = "{\"return\": {\"half\": [1, 2\n{\"return\": 5}\nnonsense" };
        far.Answers["guest-get-osinfo"] = """{"return": {"id": "debian", "pretty-name": "Debian 12", "kernel-release": "6.1", "new-member": 1}}""";
        await using var agent = far.Client();
        var info = await agent.OsInfoAsync(Token);
        Assert.Equal(("debian", "Debian 12", "6.1", null), (info.Id, info.PrettyName, info.KernelRelease, info.Machine));
        Assert.Equal(["guest-get-osinfo {}"], far.Requests);
    }

    [Fact]
    public async Task A_refusal_has_its_class_and_the_line_is_used_again()
    {
        await using var far = new AgentPeer();
        far.Answers["guest-ping"] = """{"error": {"class": "CommandNotFound", "desc": "The command guest-ping has been disabled"}}""";
        await using var agent = far.Client();
        var error = await Assert.ThrowsAsync<GuestAgentErrorException>(() => agent.PingAsync(Token));
        Assert.Equal("CommandNotFound", error.ErrorClass);
        await Assert.ThrowsAsync<GuestAgentErrorException>(() => agent.PingAsync(Token));
        Assert.Equal(1, far.Connections);
    }

    [Fact]
    public async Task No_agent_means_unavailable_after_the_deadline_and_a_new_line_next_time()
    {
        await using var far = new AgentPeer { IsDeaf = true };
        var time = new FakeTimeProvider();
        await using var agent = far.Client(time);
        var asking = agent.PingAsync(Token);
        time.Advance(agent.Deadline);
        var failure = await Assert.ThrowsAsync<GuestAgentUnavailableException>(() => asking);
        Assert.StartsWith("The guest agent did not answer guest-ping", failure.Message, StringComparison.Ordinal);
        far.IsDeaf = false;
        await agent.PingAsync(Token);
        Assert.Equal(2, far.Connections);
    }

    [Fact]
    public async Task The_callers_own_cancellation_is_no_verdict_about_the_agent()
    {
        await using var far = new AgentPeer { IsDeaf = true };
        await using var agent = far.Client();
        using var impatient = new CancellationTokenSource();
        var asking = agent.PingAsync(impatient.Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
    }

    [Theory]
    [InlineData("{\"return\": 7}")]
    [InlineData("{\"return\": []}")]
    [InlineData("{\"return\": null}")]
    [InlineData("{\"error\": \"x\"}")]
    [InlineData("{\"neither\": 1}")]
    [InlineData("[]")]
    [InlineData("not json")]
    [InlineData("{\"return\": {\"version\": 7, \"supported_commands\": []}}")]
    [InlineData("{\"return\": {\"version\": \"7\"}}")]
    public async Task A_hostile_answer_makes_it_unavailable(string answer)
    {
        await using var far = new AgentPeer();
        far.Answers["guest-info"] = answer;
        await using var agent = far.Client();
        await Assert.ThrowsAsync<GuestAgentUnavailableException>(() => agent.InfoAsync(Token));
    }

    [Fact]
    public async Task An_endless_answer_is_cut_off()
    {
        await using var far = new AgentPeer();
        far.Answers["guest-ping"] = new string('x', GuestAgentConnection.OrdinaryAnswerBytes + 10);
        await using var agent = far.Client();
        await Assert.ThrowsAsync<GuestAgentUnavailableException>(() => agent.PingAsync(Token));
    }

    [Fact]
    public async Task A_flood_before_the_answer_is_cut_off()
    {
        await using var far = new AgentPeer { Stale = string.Concat(Enumerable.Repeat("{\"return\": 1}\n", 1000)) };
        await using var agent = far.Client();
        await Assert.ThrowsAsync<GuestAgentUnavailableException>(() => agent.PingAsync(Token));
    }

    [Fact]
    public async Task A_program_runs_to_its_end_and_its_output_comes_back()
    {
        await using var far = new AgentPeer();
        far.Answers["guest-exec"] = """{"return": {"pid": 42}}""";
        far.Answers["guest-exec-status"] = """{"return": {"exited": true, "exitcode": 3, "out-data": "aGk=", "err-truncated": true}}""";
        await using var agent = far.Client();
        var result = await agent.ExecAsync(new GuestCommand { Path = "/bin/x", Arguments = ["-a"], Input = "in"u8.ToArray() }, Token);
        Assert.Equal((3, null, "hi", "", false, true), (result.ExitCode, result.Signal, Encoding.UTF8.GetString(result.Output),
            Encoding.UTF8.GetString(result.Error), result.OutputTruncated, result.ErrorTruncated));
        Assert.Equal(
            ["""guest-exec {"path":"/bin/x","arg":["-a"],"env":[],"input-data":"aW4=","capture-output":true}""", """guest-exec-status {"pid":42}"""],
            far.Requests);
    }

    [Fact]
    public async Task A_shutdown_waits_for_no_answer()
    {
        await using var far = new AgentPeer();
        await using var agent = far.Client();
        await agent.ShutdownAsync(GuestShutdownMode.PowerDown, Token);
        await agent.PingAsync(Token);
        Assert.Equal("""guest-shutdown {"mode":"powerdown"}""", far.Requests[0]);
    }

    [Fact]
    public async Task A_password_goes_in_base64()
    {
        await using var far = new AgentPeer();
        await using var agent = far.Client();
        await agent.SetUserPasswordAsync("root", "pässword", isCrypted: false, Token);
        Assert.Equal("""guest-set-user-password {"username":"root","password":"cMOkc3N3b3Jk","crypted":false}""", far.Requests[0]);
    }

    [Fact]
    public Task Whatever_a_guest_sends_ends_in_unavailable() =>
        Gen.Byte.Array[1, 300].SampleAsync(async garbage =>
        {
            await using var far = new AgentPeer { Garbage = garbage };
            await using var agent = far.Client();
            await Assert.ThrowsAsync<GuestAgentUnavailableException>(() => agent.PingAsync(CancellationToken.None));
        }, iter: 200);
}
