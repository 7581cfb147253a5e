using Lamina.Linux.Processes;
using Lamina.Testing;
using Lamina.Testing.Media;
using Xunit;

namespace Lamina.Tests.Integration.Images;

/// <summary>The script that builds debian/12, as a program: what it promises in its header.</summary>
public sealed class DebianBuilderTests : IDisposable
{
    private static readonly string Script = Repository.PathOf("src", "Server", "Images", "Builders", "debian-12.sh");

    private readonly TemporaryFolder folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Output => Path.Combine(folder.Path, "out.qcow2");

    private string Work => Path.Combine(folder.Path, "work");

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Wrong_arguments_change_nothing()
    {
        var result = await Command.RunAsync(Spec(Output), Cancellation);
        Assert.Equal(2, result.Exit.ExitCode);
        Assert.Contains("usage: debian-12.sh OUTPUT WORK", result.ErrorText, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    /// <summary>A proxy that refuses stands for a network that is down: the host's own settings reach the build, and its words reach the user.</summary>
    [Fact]
    public async Task A_failure_ends_with_what_to_do_and_leaves_nothing()
    {
        string settings = Path.Combine(folder.Path, "apt.conf");
        await File.WriteAllTextAsync(settings, "Acquire::http::Proxy \"http://127.0.0.1:9\";\nAcquire::Retries \"0\";\n", Cancellation);
        var environment = new Dictionary<string, string>(ChildSpec.DefaultEnvironment) { ["APT_CONFIG"] = settings };
        var result = await Command.RunAsync(Spec(Output, Work) with { Environment = environment }, Cancellation);
        Assert.Equal(1, result.Exit.ExitCode);
        Assert.StartsWith("error: ", result.ErrorText.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
        Assert.False(File.Exists(Output) || Directory.Exists(Work));
    }

    [Fact]
    public async Task Ending_its_group_leaves_nothing()
    {
        string told = Path.Combine(folder.Path, "told");
        await RunAsync("mkfifo", told);
        using var child = ChildProcess.Spawn(new ChildSpec
        {
            Program = "bash",
            Arguments = ["-c", "exec bash \"$0\" \"$1\" \"$2\" > \"$3\"", Script, Output, Work, told],
        });
        await FirstLineWith("downloading", told);
        Assert.True(child.SendToGroup(Signal.Terminate));
        var exit = await child.WaitForExitAsync(Cancellation).WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
        Assert.Equal(143, exit.ExitCode);
        Assert.False(File.Exists(Output) || Directory.Exists(Work));
    }

    [Fact]
    public async Task What_it_builds_is_a_sound_image_without_a_backing_file()
    {
        string image = await DebianImage.GetAsync(Cancellation);
        await RunAsync("qemu-img", "check", image);
        string info = await RunAsync("qemu-img", "info", "--output=json", image);
        Assert.Contains("\"format\": \"qcow2\"", info, StringComparison.Ordinal);
        Assert.DoesNotContain("backing-filename", info, StringComparison.Ordinal);
    }

    private static CommandSpec Spec(params string[] arguments) =>
        new() { Program = "bash", Arguments = [Script, .. arguments], Timeout = TimeSpan.FromMinutes(5) };

    private static async Task<string> RunAsync(string program, params string[] arguments) =>
        (await Command.RunAsync(new CommandSpec { Program = program, Arguments = arguments, Timeout = TimeSpan.FromMinutes(1) }, Cancellation)).EnsureSuccess().OutputText;

    private static async Task FirstLineWith(string words, string path)
    {
        using var reader = new StreamReader(path);
        while (await reader.ReadLineAsync(Cancellation) is { } line)
            if (line.Contains(words, StringComparison.Ordinal)) return;
        Assert.Fail($"it ended before it said '{words}'");
    }
}
