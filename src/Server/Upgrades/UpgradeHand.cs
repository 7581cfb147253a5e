using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Lamina.Server.Operations;

namespace Lamina.Server.Upgrades;

/// <summary>What a daemon is to find in order, before its version counts as proved.</summary>
/// <param name="Misfit">What is not in order yet, in words; null: nothing.</param>
internal sealed record UpgradeProof(Func<string?> Misfit);

/// <summary>
/// This host's part in an upgrade: makes the version ready, tries it, and proves it. Guests and etcd are touched by none of that: they outlive the daemon. It is the same operation before and
/// after the restart, which finds by its step, and by what the installed program has noted, how far it came.
/// </summary>
internal sealed class UpgradeHand(VersionFolder versions, UpgradePackages packages, UpgradeSignature signature, UpgradeProof proof, DaemonRestart restart, TimeProvider time)
{
    private const string SwitchStep = "the version is tried";

    /// <summary>Beside what the package takes.</summary>
    private const long SpareBytes = 64L << 20;

    private static readonly TimeSpan ProofPatience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ProofPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(30);

    public void Register(OperationExecutor executor)
    {
        executor.ServedElsewhere(UpgradeJob.Kind);
        executor.Register(UpgradeJob.PrepareKind, PrepareAsync, cancellable: true, afterRestart: AfterRestart.Resume);
        executor.Register(UpgradeJob.SwitchKind, SwitchAsync, afterRestart: AfterRestart.Resume);
    }

    /// <summary>Safe to repeat.</summary>
    private async Task PrepareAsync(OperationRun run, CancellationToken cancellationToken)
    {
        var job = UpgradeJob.Of(run.Id, run.Request);
        if (BuildInformation.Version == job.Version) return;
        if (!VersionFolder.IsSupervised) throw ProblemException.Conflict(
            "upgrade.unsupervised", "Nobody starts the daemon of this host again when it ends.", "Run it as the service lamina.service; or let what starts it do so again on status 75, and on failures, and set LAMINA_SUPERVISED=1.");
        run.Report(null, "the package is fetched");
        string file = await packages.EnsureAsync(job.Package, job.PackageHost, cancellationToken);
        await signature.CheckAsync(file, job.Signature, cancellationToken);
        var package = await DebianPackage.ReadAsync(file, cancellationToken);
        if (package.Version != job.Version) throw ProblemException.Conflict("upgrade.otherVersion", $"The package is of version {package.Version}, not {job.Version}.", "Ask again.");
        RequireRoom(package);
        run.Report(null, "the package is unpacked");
        await UnpackAsync(file, job, run.Id, cancellationToken);
        await CheckAsync(versions.ProgramOf(job.Version), job.Version, cancellationToken);
    }

    private async Task SwitchAsync(OperationRun run, CancellationToken cancellationToken)
    {
        var job = UpgradeJob.Of(run.Id, run.Request);
        if (BuildInformation.Version == job.Version)
        {
            await ProveAsync(run, cancellationToken);
            return;
        }

        if (versions.Read().Failed is { } failed && failed.Operation == run.Id) throw ProblemException.Conflict(
            "upgrade.notProved", $"Version {job.Version} did not come up, and {BuildInformation.Version} runs again: {failed.Failure ?? "it said nothing, or was ended before it had proved itself"}.", "See the host's journal: journalctl -u lamina.");
        if (!versions.Has(job.Version)) throw ProblemException.Conflict("upgrade.notReady", $"Version {job.Version} does not lie on this host any more.", "Ask again.");
        if (!run.HasBegun(SwitchStep)) await run.StepAsync(SwitchStep, cancellationToken);
        CrashPoints.Reached("version", "try", "before");
        versions.Try(job.Version, run.Id);
        CrashPoints.Reached("version", "try", "after");
        restart.AskNewProcess();
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
    }

    /// <summary>A version that does not get everything into order is given up: this process ends, and the one before runs again.</summary>
    private async Task ProveAsync(OperationRun run, CancellationToken cancellationToken)
    {
        run.Report(null, "the new version proves itself");
        long began = time.GetTimestamp();
        while (proof.Misfit() is { } misfit)
        {
            if (time.GetElapsedTime(began) > ProofPatience && versions.OwnTrial() is not null)
            {
                versions.Explain(misfit);
                restart.AskNewProcess();
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
            }

            await Task.Delay(ProofPause, time, cancellationToken);
        }

        versions.Prove();
    }

    private void RequireRoom(DebianPackage package)
    {
        long free = FileSystemSpace.Read(versions.Root).AvailableBytes;
        long needed = package.InstalledBytes + SpareBytes;
        if (free < needed) throw new ProblemException(
            ProblemKind.NoSpace, "upgrade.noSpace", $"{versions.Root} has {Api.Sizes.Format(free)} free, and the version needs {Api.Sizes.Format(needed)}.", "Make room there.");
    }

    /// <summary>One rename makes it whole; what a crash leaves is begun anew.</summary>
    private async Task UnpackAsync(string file, UpgradeJob job, string operation, CancellationToken cancellationToken)
    {
        string temporary = Path.Combine(versions.Root, $".tmp-{operation}");
        if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        await DebianPackage.ExtractAsync(file, temporary, cancellationToken);
        string programs = Path.Combine(temporary, DebianPackage.ProgramFolder);
        if (!File.Exists(Path.Combine(programs, VersionFolder.Program))) throw new ProblemException(
            ProblemKind.Unprocessable, "upgrade.packageInvalid", $"The package has no {DebianPackage.ProgramFolder}/{VersionFolder.Program}.", "Name a package of Lamina.");
        string target = versions.FolderOf(job.Version);
        CrashPoints.Reached("version", "unpack", "before");
        if (Directory.Exists(target)) Directory.Delete(target, recursive: true);
        Directory.Move(programs, target);
        CrashPoints.Reached("version", "unpack", "after");
        DurableFile.SyncDirectory(versions.Root);
        Directory.Delete(temporary, recursive: true);
    }

    /// <summary>It runs at all on this host (its libraries are there, the folder may hold programs), and is what the package says.</summary>
    private static async Task CheckAsync(string program, string version, CancellationToken cancellationToken)
    {
        string said;
        try
        {
            said = (await Command.RunAsync(new CommandSpec { Program = program, Arguments = ["--version"], Timeout = AnswerPatience }, cancellationToken)).EnsureSuccess().OutputText.Trim();
        }
        catch (Exception failure) when (failure is IOException or TimeoutException)
        {
            throw new ProblemException(ProblemKind.Unprocessable, "upgrade.doesNotRun", $"Version {version} does not run on this host: {failure.Message}", "Does this host have what the package depends on? dpkg-deb --field FILE Depends", failure);
        }

        if (said != version) throw new ProblemException(ProblemKind.Unprocessable, "upgrade.packageInvalid", $"The program in the package says that it is version {said}, not {version}.", "Name another package.");
    }
}
