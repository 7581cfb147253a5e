using System.Text;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Integration.Linux;

public class ChildProcessTests
{
    private const uint Nobody = 65534;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void A_missing_program_is_named()
    {
        var error = Assert.Throws<LinuxException>(() => ChildProcess.Spawn(new() { Program = "/usr/bin/no-such-program" }));
        Assert.Equal(Errno.NoEntry, error.ErrorNumber);
        Assert.Contains("/usr/bin/no-such-program", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_folder_is_named()
    {
        var error = Assert.Throws<LinuxException>(() => ChildProcess.Spawn(new() { Program = "true", WorkingDirectory = "/no/such/folder" }));
        Assert.Contains("/no/such/folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_descriptor_given_twice_is_refused()
    {
        using var file = File.OpenHandle("/dev/null");
        Assert.Throws<ArgumentException>(() => ChildProcess.Spawn(new() { Program = "true", Files = [new(file, 5), new(file, 5)] }));
    }

    [Fact]
    public async Task Exit_code_and_signal_are_told_apart()
    {
        Assert.Equal(new ChildExit(7, null), await EndOfAsync(Shell("exit 7")));
        Assert.Equal(new ChildExit(null, Signal.SegmentationFault), await EndOfAsync(Shell("kill -SEGV $$")));
    }

    [Fact]
    public async Task A_child_gets_only_the_descriptors_named()
    {
        using var unmentioned = Memfd.CreateSealed("unmentioned", "x"u8);
        using var first = Memfd.CreateSealed("first", "one"u8);
        using var second = Memfd.CreateSealed("second", "two"u8);
        IReadOnlyList<ChildFile> files = [new(first, 9), new(second, 4)];
        var list = new ChildSpec { Program = "ls", Arguments = ["-v", "/proc/self/fd"], Files = files };
        Assert.Equal("0 1 2 3 4 9 ", (await OutputOfAsync(list)).Replace('\n', ' ')); // 3 is the folder that ls itself reads
        Assert.Equal("onetwo", await OutputOfAsync(Shell("cat <&9; cat <&4") with { Files = files }));
    }

    [Fact]
    public async Task Descriptors_whose_numbers_cross_arrive_in_their_places()
    {
        // Each source bears the number that the other one is to get: dup2 one after the other would lose one of them.
        using var first = Memfd.CreateSealed("first", "one"u8);
        using var second = Memfd.CreateSealed("second", "two"u8);
        var (a, b) = ((int)first.DangerousGetHandle(), (int)second.DangerousGetHandle());
        var spec = Shell($"cat /proc/self/fd/{b} /proc/self/fd/{a}") with { Files = [new(first, b), new(second, a)] };
        Assert.Equal("onetwo", await OutputOfAsync(spec));
    }

    [Fact]
    public async Task Another_user_has_no_capability_and_can_gain_none()
    {
        var spec = Shell("id -u; id -g; id -G; grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs' /proc/self/status | tr -d '\\t'") with
        {
            User = new(Nobody, 65533) { SupplementaryGroups = [1234] },
        };
        Assert.Equal(
            ["65534", "65533", "65533 1234", "CapInh:0000000000000000", "CapPrm:0000000000000000", "CapEff:0000000000000000",
                "CapBnd:0000000000000000", "CapAmb:0000000000000000", "NoNewPrivs:1"],
            (await OutputOfAsync(spec)).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Signals_are_at_their_defaults_and_the_session_is_new()
    {
        var output = await OutputOfAsync(Shell("grep -E 'Sig(Blk|Ign)' /proc/self/status | tr -d '\\t'; cut -d' ' -f1,6 /proc/$$/stat"));
        var lines = output.Split('\n');
        Assert.Equal("SigBlk:0000000000000000", lines[0]);
        Assert.Equal("SigIgn:0000000180000000", lines[1]); // 32 and 33 are glibc's own
        var numbers = lines[2].Split(' ');
        Assert.Equal(numbers[0], numbers[1]); // its session bears its own pid
    }

    [Fact]
    public async Task The_environment_and_folder_are_those_of_the_spec()
    {
        var spec = Shell("echo $A $HOME; pwd") with { Environment = new Dictionary<string, string> { ["A"] = "b c" }, WorkingDirectory = "/usr/share" };
        Assert.Equal("b c\n/usr/share\n", await OutputOfAsync(spec));
    }

    [Fact]
    public async Task The_tail_of_a_long_complaint_is_kept()
    {
        var spec = Shell("seq 1 100000 >&2; echo the reason >&2; exit 1") with { StandardError = ChildOutput.Tail(100) };
        using var child = ChildProcess.Spawn(spec);
        await child.WaitForExitAsync(Cancellation);
        Assert.Equal(100, child.StandardError.Length);
        Assert.EndsWith("100000\nthe reason\n", Encoding.UTF8.GetString(child.StandardError), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_grandchild_that_holds_the_pipe_delays_nothing()
    {
        using var child = ChildProcess.Spawn(Shell("sleep 1000 & echo $!") with { StandardOutput = ChildOutput.Head(100) });
        await child.WaitForExitAsync(Cancellation);
        using var grandchild = ChildProcess.Adopt(ProcessIdentity.Read(int.Parse(Encoding.UTF8.GetString(child.StandardOutput)))!)!;
        Assert.True(grandchild.Send(Signal.Kill));
        await grandchild.WaitForExitAsync(Cancellation);
    }

    [Fact]
    public async Task Not_even_one_that_writes_without_end_delays_it()
    {
        using var child = ChildProcess.Spawn(Shell("yes & echo $! >&2") with { StandardOutput = ChildOutput.Head(100), StandardError = ChildOutput.Head(100) });
        await child.WaitForExitAsync(Cancellation);
        using var grandchild = ProcessIdentity.Read(int.Parse(Encoding.UTF8.GetString(child.StandardError))) is { } identity ? ChildProcess.Adopt(identity) : null;
        grandchild?.Send(Signal.Kill); // or SIGPIPE has ended it already
    }

    [Fact]
    public async Task A_child_let_go_of_with_its_outputs_still_ends_well()
    {
        var child = ChildProcess.Spawn(Shell("read line; echo late") with { StandardOutput = ChildOutput.Tail(100), StandardError = ChildOutput.Tail(100) });
        var end = child.WaitForExitAsync(Cancellation);
        child.Dispose();
        Assert.NotNull(await end);
    }

    [Fact]
    public async Task Limits_hold_when_the_program_runs()
    {
        var spec = Shell("ulimit -n; ulimit -t; ulimit -v") with
        {
            User = new(Nobody, Nobody),
            Limits = new() { OpenFiles = 77, CpuSeconds = 5, AddressSpaceBytes = 512 << 20 },
        };
        Assert.Equal("77\n5\n524288\n", await OutputOfAsync(spec));
    }

    [Fact]
    public async Task A_process_that_is_not_our_child_is_awaited_and_ended()
    {
        var orphan = await SpawnOrphanAsync();
        using var adopted = ChildProcess.Adopt(orphan);
        Assert.NotNull(adopted);
        var end = adopted.WaitForExitAsync(Cancellation);
        Assert.False(end.IsCompleted);
        Assert.True(adopted.Send(Signal.Terminate));
        Assert.Equal(ChildExit.Unknown, await end);
        Assert.False(orphan.IsRunning());
        Assert.False(adopted.Send(Signal.Kill));
        Assert.Null(ChildProcess.Adopt(orphan));
    }

    [Fact]
    public async Task Another_process_with_the_same_pid_is_not_adopted()
    {
        using var child = ChildProcess.Spawn(new() { Program = "sleep", Arguments = ["1000"] });
        Assert.True(child.Identity.IsRunning());
        Assert.Null(ChildProcess.Adopt(child.Identity with { StartTicks = child.Identity.StartTicks - 1 }));
        Assert.Null(ChildProcess.Adopt(child.Identity with { Executable = "/usr/bin/cat" }));
        Assert.Null(ChildProcess.Adopt(child.Identity with { BootId = "another boot" }));
        child.Send(Signal.Kill);
        await child.WaitForExitAsync(Cancellation);
    }

    [Fact]
    public async Task The_identity_holds_from_the_start_through_the_drop_of_the_user()
    {
        using var child = ChildProcess.Spawn(new() { Program = "sleep", Arguments = ["1000"], User = new(Nobody, Nobody) });
        Assert.True(child.Identity.IsRunning());
        Assert.EndsWith("/sleep", child.Identity.Executable, StringComparison.Ordinal);
        child.SendToGroup(Signal.Kill);
        Assert.Equal(new ChildExit(null, Signal.Kill), await child.WaitForExitAsync(Cancellation));
        Assert.False(child.SendToGroup(Signal.Kill));
    }

    [Fact]
    public async Task A_child_let_go_of_is_still_collected()
    {
        var child = ChildProcess.Spawn(new() { Program = "cat", StandardInput = null });
        var end = child.WaitForExitAsync(Cancellation);
        child.Dispose();
        await end;
        Assert.Null(ProcessStat.Read(child.ProcessId)); // not even a zombie
    }

    [Fact]
    public async Task A_fifo_carries_the_words_of_a_child_beyond_its_starter()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("stderr");
        var starter = Fifo.Create(path);
        using var child = ChildProcess.Spawn(Shell("echo one >&2; seq 1 100000 >&2; echo done; sleep 1000") with
        {
            StandardError = ChildOutput.To(starter),
            StandardOutput = ChildOutput.Head(10),
        });
        starter.Dispose();
        while (child.StandardOutput.Length == 0) await Task.Yield(); // nobody reads, and it is neither blocked nor killed
        using (Fifo.TryHold(path))
        {
            child.SendToGroup(Signal.Kill);
            await child.WaitForExitAsync(Cancellation);
            Assert.StartsWith("one\n1\n2\n", Encoding.UTF8.GetString(Fifo.ReadAvailable(path, 64)), StringComparison.Ordinal);
        }

        Assert.Null(Fifo.TryHold(folder.File("nothing")));
        Assert.Empty(Fifo.ReadAvailable(folder.File("nothing"), 64));
    }

    internal static ChildSpec Shell(string script) => new() { Program = "sh", Arguments = ["-c", script] };

    /// <summary>A `sleep` whose parent has ended.</summary>
    private static async Task<ProcessIdentity> SpawnOrphanAsync()
    {
        var output = await OutputOfAsync(Shell("setsid sleep 1000 >/dev/null 2>&1 & echo $!"));
        var processId = int.Parse(output);
        while (ProcessIdentity.Read(processId) is { } identity)
        {
            if (identity.Executable.EndsWith("/sleep", StringComparison.Ordinal)) return identity;
            await Task.Yield();
        }

        throw new InvalidOperationException("sleep ended by itself");
    }

    private static async Task<ChildExit> EndOfAsync(ChildSpec spec)
    {
        using var child = ChildProcess.Spawn(spec);
        return await child.WaitForExitAsync(Cancellation);
    }

    private static async Task<string> OutputOfAsync(ChildSpec spec)
    {
        using var child = ChildProcess.Spawn(spec with { StandardOutput = ChildOutput.Head(100_000) });
        await child.WaitForExitAsync(Cancellation);
        return Encoding.UTF8.GetString(child.StandardOutput);
    }
}
