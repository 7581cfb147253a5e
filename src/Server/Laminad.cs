using System.Runtime.InteropServices;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Lamina.Server.Maintenance;
using Lamina.Server.Networks;
using Lamina.Server.Auth;
using Lamina.Server.Cluster;
using Lamina.Server.Store;

namespace Lamina.Server;

/// <summary>The program: its arguments, its words when it cannot start, its signals.</summary>
internal static class Laminad
{
    private const int Failed = 1;
    private const int Usage = 2;

    /// <summary>The unit's RestartForceExitStatus: start me again.</summary>
    private const int StartAgain = 75;
    private const int DaemonOomScoreAdjustment = -900;

    public static async Task<int> RunAsync(string[] args, TimeProvider time, TextWriter output, TextWriter errors)
    {
        var command = new CommandLine();
        VersionFolder? versions = null;
        try
        {
            command = CommandLine.Parse(args);
            versions = VersionLauncher.Launch(command, args, errors);
            switch (command.Verb)
            {
                case CommandVerb.Help:
                    await output.WriteAsync(CommandLine.Help);
                    return 0;
                case CommandVerb.Version:
                    await output.WriteLineAsync(BuildInformation.Version);
                    return 0;
                case CommandVerb.OpenApi:
                    await OpenApiCommand.RunAsync(command.File, output, time);
                    return 0;
                case CommandVerb.ShutdownGuests:
                    return await ShutdownGuestsCommand.RunAsync(command, time, output, errors);
                case CommandVerb.RemoveNetworks:
                    await RemoveNetworksAsync(command.Instance, time, output);
                    return 0;
                case CommandVerb.BackupRestore:
                    await BackupCommand.RestoreAsync(command, time, output);
                    return 0;
                case CommandVerb.ClusterRecover:
                    await RecoverClusterAsync(command, time, output);
                    return 0;
                case CommandVerb.StoreBackup or CommandVerb.StoreRestore or CommandVerb.StoreCheck:
                    StoreCommand.Run(command, time, output);
                    return 0;
                default:
                    return await ServeAsync(command.Instance, time, output);
            }
        }
        catch (CommandLineException wrong)
        {
            await errors.WriteLineAsync($"laminad: {wrong.Message}\n\n{CommandLine.Help}");
            return Usage;
        }
        catch (ProblemException problem)
        {
            await SayAsync(errors, problem.Message, problem.Remedy);
            return Fail(versions, problem);
        }
        catch (StoreRefusedException refused)
        {
            await SayAsync(errors, refused.Message, NewestBackup(refused, command, time));
            return Fail(versions, refused);
        }
        catch (StoreUnavailableException unavailable)
        {
            await SayAsync(errors, unavailable.Message, null);
            return Fail(versions, unavailable);
        }
        catch (Exception failure)
        {
            await SayAsync(errors, $"cannot start: {failure.Message}", null);
            await errors.WriteLineAsync(failure.ToString());
            return Fail(versions, failure);
        }
    }

    /// <summary>A daemon on trial tells the version that follows it why it has failed.</summary>
    private static int Fail(VersionFolder? versions, Exception failure)
    {
        versions?.Explain(failure.Message);
        return Failed;
    }

    /// <summary>Serves until SIGTERM or SIGINT. Guests are not touched by the daemon's end.</summary>
    private static async Task<int> ServeAsync(InstanceOptions options, TimeProvider time, TextWriter output)
    {
        CreationMask.SetUsual();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // A member of a cluster that has no majority waits for one at its start.
        using var opening = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        // For want of memory the kernel shall end anything else first; children do not inherit it.
        OomProtection.Set(DaemonOomScoreAdjustment);
        while (true)
        {
            var daemon = new DaemonOptions { Instance = options, Time = time, AskMachine = Machine.Of(isDefaultInstance: options == new InstanceOptions()) };
            var next = await TryServeAsync(daemon, ended.Task, output, opening.Token);
            // Else another store, or another place in a cluster: the same process goes on with it, and guests notice nothing.
            if (next != AfterServing.BeginAnew) return next == AfterServing.NewProcess ? StartAgain : 0;
        }

        void End(PosixSignalContext signal)
        {
            signal.Cancel = true;
            ended.TrySetResult();
            opening.Cancel();
        }
    }

    private enum AfterServing
    {
        End,
        BeginAnew,
        NewProcess,
    }

    private static async Task<AfterServing> TryServeAsync(DaemonOptions options, Task ended, TextWriter output, CancellationToken opening)
    {
        try
        {
            return await ServeOnceAsync(options, ended, output, opening);
        }
        catch (DaemonRestartException)
        {
            return AfterServing.BeginAnew;
        }
        catch (OperationCanceledException) when (opening.IsCancellationRequested)
        {
            return AfterServing.End;
        }
    }

    private static async Task<AfterServing> ServeOnceAsync(DaemonOptions options, Task ended, TextWriter output, CancellationToken opening)
    {
        await using var daemon = await Daemon.OpenAsync(options, opening);
        await daemon.StartAsync(opening);
        if (daemon.FirstPassword is { } password) await output.WriteLineAsync(FirstPasswordLine(password, Console.IsOutputRedirected, daemon.Instance.DataDirectory));
        await output.WriteLineAsync($"laminad serves {daemon.Address}   CA {daemon.CaFingerprint}");
        ServiceManager.Notify("READY=1");
        using var quiet = new CancellationTokenSource();
        var givingBack = QuietTimes.RunAsync(options.Time, quiet.Token);
        await Task.WhenAny(ended, daemon.Failed, daemon.RestartAsked);
        bool again = daemon.RestartAsked.IsCompleted && !ended.IsCompleted && !daemon.Failed.IsCompleted;
        if (!again) ServiceManager.Notify("STOPPING=1");
        await quiet.CancelAsync();
        await givingBack.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await daemon.StopAsync();
        if (!again) await daemon.Failed;
        return !again ? AfterServing.End : daemon.RestartsInNewProcess ? AfterServing.NewProcess : AfterServing.BeginAnew;
    }

    /// <summary>A person at a terminal sees the password; a journal or log file must not hold it, and says where it lies.</summary>
    internal static string FirstPasswordLine(string password, bool isLogged, string dataDirectory) => isLogged
        ? $"user admin, password in {Path.Join(dataDirectory, FirstAdmin.PasswordFile)}"
        : $"user admin, password {password}   (shown this once)";

    private static async Task RemoveNetworksAsync(InstanceOptions options, TimeProvider time, TextWriter output)
    {
        using var claim = InstanceClaim.Take(options);
        foreach (string removed in await NetworkRemoval.RunAsync(claim.Instance, time, CancellationToken.None)) await output.WriteLineAsync($"removed {removed}");
        using var etcd = new EtcdServer(claim.Instance, hostId: "", time);
        if (await etcd.StopAsync(CancellationToken.None)) await output.WriteLineAsync("stopped etcd");
    }

    private static async Task RecoverClusterAsync(CommandLine command, TimeProvider time, TextWriter output)
    {
        using var claim = InstanceClaim.Take(command.Instance);
        await new ClusterRecovery(claim.Instance, time, output).RunAsync(command.File, CancellationToken.None);
    }

    private static string? NewestBackup(StoreRefusedException refused, CommandLine command, TimeProvider time) =>
        refused.Reason is StoreRefusal.Corrupt or StoreRefusal.Newer or StoreRefusal.Missing
            && StoreCommand.NewestBackup(command.Instance, time) is { } newest
            ? $"The newest backup that the daemon made: {newest}"
            : null;

    private static async Task SayAsync(TextWriter errors, string message, string? remedy)
    {
        await errors.WriteLineAsync($"laminad: {message}");
        if (remedy is not null) await errors.WriteLineAsync(remedy);
    }
}
