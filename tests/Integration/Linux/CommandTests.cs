using System.Text;
using Lamina.Linux;
using Lamina.Linux.Processes;
using Xunit;

namespace Lamina.Tests.Integration.Linux;

public class CommandTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_failure_carries_the_words_of_the_program()
    {
        var result = await Command.RunAsync(Shell("echo fine; echo 'no such pool: gold' >&2; exit 3"), Cancellation);
        Assert.Equal("fine\n", result.OutputText);
        var error = Assert.Throws<CommandException>(result.EnsureSuccess);
        Assert.Equal("sh ended with exit code 3: no such pool: gold", error.Message);
    }

    [Fact]
    public async Task Input_larger_than_a_pipe_arrives_whole()
    {
        var input = new byte[3_000_000];
        Random.Shared.NextBytes(input);
        var result = await Command.RunAsync(Shell("cat") with { Input = input, MaxOutputBytes = 4_000_000 }, Cancellation);
        Assert.Equal(input, result.EnsureSuccess().Output);
    }

    [Fact]
    public async Task Endless_output_is_bounded_and_never_blocks_the_program()
    {
        var result = await Command.RunAsync(Shell("seq 1 1000000") with { MaxOutputBytes = 10 }, Cancellation);
        Assert.Equal("1\n2\n3\n4\n5\n", result.EnsureSuccess().OutputText);
    }

    [Fact]
    public async Task The_timeout_kills_the_whole_group()
    {
        using var child = new GroupOfTwo();
        // On a busy machine the first shells may be killed before they have begun.
        for (var timeout = TimeSpan.FromMilliseconds(300); !child.HasStarted; timeout *= 2)
            await Assert.ThrowsAsync<TimeoutException>(() => Command.RunAsync(child.Spec with { Timeout = timeout }, Cancellation));
        await child.AssertAllDeadAsync();
    }

    [Fact]
    public async Task Cancelling_kills_the_whole_group()
    {
        using var child = new GroupOfTwo();
        using var stop = new CancellationTokenSource();
        var running = Command.RunAsync(child.Spec with { Timeout = Long }, stop.Token);
        await child.WaitUntilStartedAsync();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await child.AssertAllDeadAsync();
    }

    [Fact]
    public async Task What_a_program_leaves_behind_ends_with_it()
    {
        using var child = new GroupOfTwo(waits: false);
        (await Command.RunAsync(child.Spec with { Timeout = Long }, Cancellation)).EnsureSuccess();
        await child.AssertAllDeadAsync();
    }

    private static CommandSpec Shell(string script) => new() { Program = "sh", Arguments = ["-c", script], Timeout = Long };

    /// <summary>A shell with a `sleep` in the background: its pid is told through a file.</summary>
    private sealed class GroupOfTwo(bool waits = true) : IDisposable
    {
        private readonly Testing.TemporaryFolder folder = new();

        public CommandSpec Spec => Shell($"sleep 1000 & echo $! > {folder.File("new")}; mv {folder.File("new")} {folder.File("pid")}; {(waits ? "wait" : "true")}");

        public bool HasStarted => File.Exists(folder.File("pid"));

        public async Task WaitUntilStartedAsync()
        {
            while (!HasStarted) await Task.Delay(TimeSpan.FromMilliseconds(5), Cancellation);
        }

        public async Task AssertAllDeadAsync()
        {
            await WaitUntilStartedAsync();
            var processId = int.Parse(await File.ReadAllTextAsync(folder.File("pid"), Cancellation));
            if (ProcessIdentity.Read(processId) is not { } identity) return;
            using var process = ChildProcess.Adopt(identity);
            if (process is not null) await process.WaitForExitAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(10), BootTimeProvider.Shared, Cancellation);
        }

        public void Dispose() => folder.Dispose();
    }
}
