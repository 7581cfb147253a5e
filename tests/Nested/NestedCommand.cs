using System.Globalization;
using System.Runtime.InteropServices;
using Lamina.Linux;
using Lamina.Linux.Processes;
using Lamina.Testing;
using Lamina.Testing.Media;
using Lamina.Tests.Nested.Steps;

namespace Lamina.Tests.Nested;

/// <summary><c>./dev nested</c>: installs the package in a host that has systemd and KVM, and walks through what only such a host shows.</summary>
internal static class NestedCommand
{
    private static readonly IReadOnlyList<Step> All =
        [.. InstallationSteps.All, .. GuestSteps.All, .. LimitSteps.All, .. SurvivalSteps.All, .. BootSteps.All, .. KvmSteps.All, .. FirewallSteps.All, .. VlanSteps.All, .. NfsSteps.All, .. SecondHostSteps.All, .. SharedPoolSteps.All, .. UpgradeSteps.All, .. CrashSteps.All, .. RemovalSteps.All];

    private static readonly TimeSpan ScriptPatience = TimeSpan.FromMinutes(8);

    public static async Task<int> RunAsync(string[] args, TextWriter output)
    {
        if (NestedOptions.Parse(args) is not { } options)
        {
            await output.WriteLineAsync(NestedOptions.Help);
            return 2;
        }

        if (options.List)
        {
            foreach (var step in Taken(options)) await output.WriteLineAsync(step.Name);
            return 0;
        }

        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        string temporary = Directory.CreateTempSubdirectory("lamina-nested-").FullName;
        string results = Directory.CreateDirectory(options.On is null ? Repository.PathOf("artifacts", "nested") : Repository.PathOf("artifacts", "nested", "on")).FullName;
        using var transcript = new Transcript(output, results);
        try
        {
            return await VisitAsync(options, temporary, results, transcript, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            transcript.Write("ended before its end, as asked");
            return 130;
        }
        finally
        {
            Directory.Delete(temporary, recursive: true);
            await output.WriteLineAsync($"everything that was run stands in {results}/log.txt, the host's console in {results}/console.txt");
        }

        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
    }

    private static IReadOnlyList<Step> Taken(NestedOptions options)
    {
        var own = All.Where(step => options.Cluster ? step.IsGround || step.IsCluster : !step.IsCluster);
        return [.. options.From is { } part ? own.SkipWhile(step => !step.IsNamed(part)) : own];
    }

    private static async Task<int> VisitAsync(NestedOptions options, string temporary, string results, Transcript transcript, CancellationToken stop)
    {
        var clock = BootTimeProvider.Shared;
        await using var host = options.On is { } folder ? NestedHost.Attach(folder) : await StartAsync(options, temporary, results, transcript, stop);
        if (options.Script is { } script) return await RunAsync(host, script, transcript, stop);
        long began = clock.GetTimestamp();
        var scene = new Scene(host, transcript, stop);
        int failed = 0, done = 0;
        var steps = Taken(options);
        foreach (var step in steps)
        {
            bool right = await TakeAsync(step, scene, transcript);
            done++;
            if (!right) failed++;
            if (!host.IsRunning) transcript.Write(await host.LastWordsAsync(stop));
            if (!right && (step.IsGround || !host.IsRunning)) break;
            if (options.Until is { } part && step.IsNamed(part)) break;
        }

        transcript.Write(string.Create(CultureInfo.InvariantCulture,
            $"{done - failed} of {steps.Count} steps came right, {failed} did not, {steps.Count - done} were not taken; {clock.GetElapsedTime(began).TotalMinutes:0.0} minutes"));
        if (!options.Hold) return failed == 0 ? 0 : 1;
        transcript.Write($"the host runs on until Ctrl-C; take steps there, or look into it, by: --on {host.Folder}");
        await Task.Delay(Timeout.Infinite, stop);
        return 0;
    }

    private static async Task<NestedHost> StartAsync(NestedOptions options, string temporary, string results, Transcript transcript, CancellationToken stop)
    {
        transcript.Write("preparing the nested host's disk and the guest (minutes at the first time, then at once)");
        var disk = await NestedHostDisk.GetAsync(stop);
        string cdrom = await MakeCdromAsync(options, await SmallLinux.GetAsync(stop), temporary, stop);
        return await NestedHost.StartAsync(disk, cdrom, temporary, Path.Combine(results, "console.txt"), stop);
    }

    private static async Task<int> RunAsync(NestedHost host, string script, Transcript transcript, CancellationToken stop)
    {
        var result = await host.Shell.RunAsync(script, ScriptPatience, stop);
        transcript.Write((result.Output + result.Error).TrimEnd());
        return result.ExitCode;
    }

    private static async Task<bool> TakeAsync(Step step, Scene scene, Transcript transcript)
    {
        var clock = BootTimeProvider.Shared;
        long began = clock.GetTimestamp();
        try
        {
            await step.Do(scene);
            transcript.End(step.Name, clock.GetElapsedTime(began), null);
            return true;
        }
        catch (Exception wrong) when (wrong is not OperationCanceledException || !scene.Stop.IsCancellationRequested)
        {
            transcript.Log(wrong.ToString());
            transcript.End(step.Name, clock.GetElapsedTime(began), wrong.Message);
            await TryToSayMoreAsync(scene);
            return false;
        }
    }

    /// <summary>Into the log, for whoever looks into a failure.</summary>
    private static async Task TryToSayMoreAsync(Scene scene)
    {
        try
        {
            await scene.TryAsync("journalctl -b -n 60 --no-pager; lamina vm list; lamina events | tail -n 15; lamina operation list | head -n 8");
        }
        catch (Exception away) when (away is IOException or TimeoutException)
        {
            // The host does not answer: there is no more to be had.
        }
    }

    private static async Task<string> MakeCdromAsync(NestedOptions options, SmallLinux guest, string temporary, CancellationToken stop)
    {
        string cdrom = Path.Combine(temporary, "cdrom.iso");
        var make = new CommandSpec
        {
            Program = "xorriso",
            Arguments =
            [
                "-as", "mkisofs", "-quiet", "-V", "nested", "-J", "-r", "-graft-points", "-o", cdrom, $"lamina.deb={options.Package}",
                $"lamina-next.deb={options.NextPackage}", $"vmlinuz={guest.Kernel}", $"initrd.gz={guest.Initrd}", $"disk.qcow2={guest.Disk}",
            ],
            Timeout = TimeSpan.FromMinutes(1),
        };
        (await Command.RunAsync(make, stop)).EnsureSuccess();
        return cdrom;
    }
}
