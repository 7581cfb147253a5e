using System.Globalization;
using System.Text.Json.Nodes;
using Lamina.Linux;

namespace Lamina.Tests.Nested;

/// <summary>What the steps of a run share: the nested host, and ways to ask it that leave evidence.</summary>
internal sealed class Scene(NestedHost host, Transcript transcript, CancellationToken stop)
{
    /// <summary>Where the CD-ROM with the packages and guests is mounted in the host.</summary>
    public const string Media = "/media/cdrom";

    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    public CancellationToken Stop => stop;

    /// <summary>A fact that the present step rests on, for the reader.</summary>
    public void Say(string line) => transcript.Evidence(line);

    public void Require(bool holds, string otherwise)
    {
        if (!holds) throw new StepFailedException(otherwise);
    }

    /// <summary>Runs a script in the host, whatever its end.</summary>
    public async Task<ShellResult> TryAsync(string script, int seconds = 0)
    {
        transcript.Log($"$ {script}");
        var result = await host.Shell.RunAsync(script, seconds == 0 ? Usual : TimeSpan.FromSeconds(seconds), stop);
        transcript.Log(result.ToString());
        return result;
    }

    /// <summary>Runs a script in the host that must succeed. Gives its output.</summary>
    public async Task<string> RunAsync(string script, int seconds = 0)
    {
        var result = await TryAsync(script, seconds);
        Require(result.ExitCode == 0, $"{script}\n{result}");
        return result.Output.Trim();
    }

    /// <summary>What <c>lamina</c> answers, as JSON.</summary>
    public async Task<JsonNode> AskAsync(string arguments) => JsonNode.Parse(await RunAsync($"lamina {arguments} --format json"))!;

    public async Task<string> StateAsync(string vm) => (string?)(await AskAsync($"vm show {vm}"))["status"]?["state"] ?? "none";

    /// <summary>Waits for what must come.</summary>
    public async Task WaitAsync(string what, int seconds, Func<Task<bool>> isSo)
    {
        var clock = BootTimeProvider.Shared;
        long began = clock.GetTimestamp();
        while (!await isSo())
        {
            if (clock.GetElapsedTime(began) > TimeSpan.FromSeconds(seconds)) throw new StepFailedException($"Waited {seconds} s in vain for {what}.");
            await Task.Delay(Poll, stop);
        }
    }

    /// <summary>Waits until the guest's own agent answers. Gives its uptime in seconds.</summary>
    public async Task<double> WaitForGuestAsync(string vm, int seconds = 240)
    {
        double uptime = 0;
        await WaitAsync($"the guest of {vm}", seconds, async () =>
        {
            var answer = await TryAsync($"lamina vm exec {vm} -- cat /proc/uptime");
            return answer.ExitCode == 0 && double.TryParse(answer.Output.Split(' ')[0], CultureInfo.InvariantCulture, out uptime);
        });
        return uptime;
    }

    /// <summary>The pid of a VM's QEMU; null: it has none.</summary>
    public async Task<int?> QemuAsync(string vm) =>
        int.TryParse((await TryAsync($"pgrep -f '^[^ ]*qemu-system-x86_64 -name guest={vm},'")).Output.Trim(), CultureInfo.InvariantCulture, out int pid) ? pid : null;

    /// <summary>The cgroup of a VM's scope.</summary>
    public async Task<string> ScopeAsync(string vm)
    {
        string id = (string)(await AskAsync($"vm show {vm}"))["id"]!;
        return $"/sys/fs/cgroup/lamina.slice/lamina-default.slice/lamina-default-{id}.scope";
    }

    public Task<string> BootIdAsync() => RunAsync("cat /proc/sys/kernel/random/boot_id");

    /// <summary>Waits until the host has come up (again) and says what systemd thinks of it.</summary>
    /// <param name="formerBoot">Its boot before; null: this is its first.</param>
    public async Task<string> WaitForBootAsync(string? formerBoot)
    {
        string state = "";
        await WaitAsync("the nested host", 420, async () =>
        {
            if (!host.IsRunning) throw new StepFailedException(await host.LastWordsAsync(stop));
            try
            {
                if (await BootIdAsync() == formerBoot) return false;
                state = (await TryAsync("systemctl is-system-running --wait", 240)).Output.Trim();
                return true;
            }
            catch (IOException)
            {
                return false; // it is down, or on its way up
            }
        });
        return state;
    }

    /// <summary>Cuts the host's power.</summary>
    public Task CutPowerAsync() => host.CutPowerAsync(stop);
}
