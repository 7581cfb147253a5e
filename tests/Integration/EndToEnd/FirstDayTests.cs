using System.Text.Json.Nodes;
using Lamina.Linux.Processes;
using Lamina.Testing;
using Lamina.Testing.Media;
using Lamina.Tests.Integration.Vms;

namespace Lamina.Tests.Integration.EndToEnd;

/// <summary>What a person does on the first day, with the two programs as they are shipped (native AOT), by the command line only.</summary>
public class FirstDayTests
{
    private const string PublicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2VYvV7mWm2mUJb9l0bUrm7yJ0Q0h4mXbX4m0aJm0aJ somebody";

    [Fact]
    public async Task Several_operating_systems_run_side_by_side_and_are_reached()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(14));
        string image = await DebianImage.GetAsync(deadline.Token);
        await using var daemon = await LaminadProcess.StartAsync(deadline.Token);
        var lamina = new CommandLine(daemon.SocketPath, deadline.Token);
        await lamina.UntilAsync(["host", "list", "--format", "json"], said => said.Contains("defaultMachineType", StringComparison.Ordinal));

        await lamina.SucceedsAsync("image", "import", image, "--name", "debian/12");
        await lamina.SucceedsAsync("vm", "launch", "web1", "--image", "debian/12", "--memory", "512MiB", "--disk", "4GiB", "--ssh-key", PublicKey);
        await lamina.SucceedsAsync("vm", "launch", "memory-test", "--iso", ReadyMedia.Memtest, "--memory", "128MiB", "--network", "none");
        if (ReadyMedia.FreeDosFloppy is { } floppy) await lamina.SucceedsAsync("vm", "launch", "dos", "--floppy", floppy, "--memory", "64MiB");
        var listed = JsonNode.Parse(await lamina.SucceedsAsync("vm", "list", "--format", "json"))!.AsArray();
        Assert.All(listed, vm => Assert.Equal("running", vm!["status"]!["state"]!.GetValue<string>()));

        // cloud-init has set the name and the key when it is done; the agent tells.
        await lamina.UntilAsync(["vm", "exec", "web1", "--", "cloud-init", "status"], said => said.Contains("status: done", StringComparison.Ordinal));
        Assert.Equal("web1", (await lamina.SucceedsAsync("vm", "exec", "web1", "--", "hostname")).Trim());
        Assert.Contains(PublicKey, await lamina.SucceedsAsync("vm", "exec", "web1", "--", "sh", "-c", "cat /home/*/.ssh/authorized_keys"), StringComparison.Ordinal);
        Assert.Contains("login:", await lamina.SucceedsAsync("vm", "console", "web1", "--history"), StringComparison.Ordinal);
        Assert.Equal(3, (await lamina.RunAsync("vm", "exec", "web1", "--", "sh", "-c", "exit 3")).Exit.ExitCode);

        await lamina.SucceedsAsync("vm", "shutdown", "web1");
        await lamina.SucceedsAsync("vm", "delete", "web1", "memory-test", "--force", "--yes");
    }

    [Fact]
    public async Task Mistakes_are_named_and_change_nothing()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await using var daemon = await LaminadProcess.StartAsync(deadline.Token);
        var lamina = new CommandLine(daemon.SocketPath, deadline.Token);
        await lamina.UntilAsync(["host", "list", "--format", "json"], said => said.Contains("defaultMachineType", StringComparison.Ordinal));

        await lamina.FailsAsync(3, "There is no vm 'nobody'", "vm", "show", "nobody");
        await lamina.FailsAsync(2, "--memory much is no size", "vm", "launch", "web1", "--memory", "much");
        await lamina.FailsAsync(2, "$.memoryMiB", "vm", "launch", "web1", "--memory", "9TiB", "--image", "none");
        await lamina.FailsAsync(2, "add --yes", "vm", "delete", "web1");
        await lamina.FailsAsync(2, "there is no file ./absent.iso", "vm", "launch", "web1", "--iso", "./absent.iso");
        Assert.Equal("[]", (await lamina.SucceedsAsync("vm", "list", "--format", "json")).Trim());
    }

    /// <summary>The CLI as a person runs it.</summary>
    private sealed class CommandLine(string socket, CancellationToken cancellationToken)
    {
        public Task<CommandResult> RunAsync(params IReadOnlyList<string> arguments) => Command.RunAsync(
            new CommandSpec
            {
                Program = Repository.Lamina,
                Arguments = arguments,
                Timeout = TimeSpan.FromMinutes(5),
                Environment = new Dictionary<string, string> { ["LAMINA_SOCKET"] = socket, ["HOME"] = "/nonexistent", ["PATH"] = "/usr/bin:/bin" },
            },
            cancellationToken);

        public async Task<string> SucceedsAsync(params IReadOnlyList<string> arguments) => (await RunAsync(arguments)).EnsureSuccess().OutputText;

        public async Task FailsAsync(int exitCode, string words, params IReadOnlyList<string> arguments)
        {
            var result = await RunAsync(arguments);
            Assert.Equal(exitCode, result.Exit.ExitCode);
            Assert.Contains(words, result.ErrorText, StringComparison.Ordinal);
        }

        /// <summary>Asks again until it says so; a person would too.</summary>
        public async Task UntilAsync(IReadOnlyList<string> arguments, Func<string, bool> isSo)
        {
            while (!isSo((await RunAsync(arguments)).OutputText)) await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        }
    }
}
