using System.Runtime.InteropServices;
using Lamina.Engine.Qmp;
using Lamina.Linux;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Engine.Qemu;

/// <summary>
/// Runs VMs with QEMU, one process in one cgroup each. Starting one:
/// <list type="number">
/// <item>its cgroup, with the limits: what is there of the VM afterwards can always be found and ended by it;</item>
/// <item>its runtime folder and the record from which a later daemon re-attaches;</item>
/// <item>all files opened, the sockets listening, monitor and serial line connected: the kernel keeps the connections for QEMU, so
/// nothing has to be waited for or tried again;</item>
/// <item>the TPM's process, if there is one, then QEMU's in the same cgroup; our copies of their files closed;</item>
/// <item>the monitor's first answer, which comes when the machine is complete.</item>
/// </list>
/// Every step has its undo beside it.
/// </summary>
public sealed class QemuEngine(QemuEngineOptions options, CgroupManager cgroups, TimeProvider time) : IVmEngine
{
    /// <summary>A process that becomes another program, or ends, while it is looked at, is looked at again.</summary>
    private const int AdoptAttempts = 5;
    private static readonly Dictionary<string, SafeHandle> NoLines = [];

    private readonly QemuProber _prober = new(options);

    public Task<EngineCapabilities> ProbeAsync(CancellationToken cancellationToken) => _prober.CapabilitiesAsync(cancellationToken);

    // The system calls block for a millisecond or two; the caller has a commit to make meanwhile.
    public Task<IVm> StartPausedAsync(VmDefinition definition, CancellationToken cancellationToken) =>
        Task.Run(() => StartAsync(definition, cancellationToken), cancellationToken);

    public async Task<AttachOutcome> AttachAsync(string runtimeFolder, CancellationToken cancellationToken)
    {
        var folder = new RuntimeFolder(runtimeFolder);
        var record = folder.ReadRecord();
        if (await FindProcessAsync(record, cancellationToken) is not { } process) return new AttachOutcome { Record = record };
        var vm = new QemuVm(record, process, OpenStderr(folder), cgroups, options, time, FeaturesAsync);
        vm.Watch(monitor: null, serial: null);
        await vm.Settled.WaitAsync(cancellationToken);
        return new AttachOutcome { Record = record, Vm = vm };
    }

    public async Task ForgetAsync(string runtimeFolder, CancellationToken cancellationToken)
    {
        var folder = new RuntimeFolder(runtimeFolder);
        if (!Directory.Exists(runtimeFolder)) return;
        // The folder bears the VM's id, as the cgroup does: one without a record is of a start that got no further.
        var cgroup = Path.GetFileName(folder.FullPath);
        if (!cgroups.IsEmpty(cgroup))
            throw new VmEngineException(VmEngineFailure.AlreadyRunning, $"VM {cgroup} still has processes.", "Stop it first.");
        await cgroups.RemoveAsync(cgroup, cancellationToken);
        folder.Delete();
    }

    private async Task<IVm> StartAsync(VmDefinition definition, CancellationToken cancellationToken)
    {
        DefinitionRules.Require(definition);
        var probe = await _prober.ProbeAsync(cancellationToken);
        await using var undo = new Undo();
        var placement = MakeCgroup(definition, undo);
        var folder = MakeFolder(definition, undo);
        var files = QemuFiles.Of(definition);
        var key = definition.Tpm?.Key ?? default;
        // A secret stays in no record, and not in memory either.
        if (definition.Tpm is { } tpm) definition = definition with { Tpm = tpm with { Key = default } };
        var record = MakeRecord(definition, QemuArguments.Build(definition, files, probe.Features), probe);
        folder.WriteRecord(record);

        var stderrPipe = Fifo.Create(folder.StderrPath);
        undo.Add(stderrPipe.Dispose);
        var (process, opening, serial) = await SpawnAsync(record, key, files, folder, placement, stderrPipe, undo, cancellationToken);
        var monitor = await AwaitAnswerAsync(definition, process, opening, folder, cancellationToken);
        var vm = new QemuVm(record, process, stderrPipe, cgroups, options, time, FeaturesAsync);
        vm.Watch(monitor, serial);
        await PrepareAsync(vm, cancellationToken);
        undo.Keep();
        return vm;
    }

    private static async Task PrepareAsync(QemuVm vm, CancellationToken cancellationToken)
    {
        try
        {
            await vm.PrepareAsync(cancellationToken);
        }
        catch (Exception exception)
        {
            await vm.DisposeAsync();
            if (exception is not (QmpErrorException or QmpClosedException or QmpProtocolException)) throw;
            throw new VmEngineException(VmEngineFailure.StartFailed, $"QEMU of VM {vm.Definition.Name} did not take its limits: {exception.Message}",
                "See whether the limits of its disks are ones that QEMU knows.", exception);
        }
    }

    private async Task<QemuFeatures> FeaturesAsync(CancellationToken cancellationToken) => (await _prober.ProbeAsync(cancellationToken)).Features;

    private CgroupPlacement MakeCgroup(VmDefinition definition, Undo undo)
    {
        var name = QemuVm.CgroupName(definition);
        try
        {
            var placement = cgroups.Create(name, QemuLimits.Of(definition));
            undo.Add(async () =>
            {
                await cgroups.KillAllAsync(name, options.KillPatience, CancellationToken.None);
                await cgroups.RemoveAsync(name, CancellationToken.None);
            });
            return placement;
        }
        catch (LinuxException exception) when (exception.ErrorNumber == Errno.Busy)
        {
            throw new VmEngineException(VmEngineFailure.AlreadyRunning, $"VM {definition.Name} has processes already: {exception.Message}",
                "It is attached to when the daemon starts; stop it before starting it again.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new VmEngineException(VmEngineFailure.HostResource, $"The cgroup of VM {definition.Name} cannot be made: {exception.Message}",
                "See `lamina doctor`: the daemon needs cgroups that it may write.", exception);
        }
    }

    private static RuntimeFolder MakeFolder(VmDefinition definition, Undo undo)
    {
        var folder = new RuntimeFolder(definition.RuntimeFolder);
        try
        {
            undo.Add(folder.Delete);
            folder.Prepare();
            return folder;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new VmEngineException(VmEngineFailure.HostResource, $"The folder {folder.FullPath} cannot be made: {exception.Message}",
                "Check that its file system is writable and not full.", exception);
        }
    }

    private RunRecord MakeRecord(VmDefinition definition, IReadOnlyList<string> arguments, QemuProbeResult probe) => new()
    {
        Definition = definition,
        HostBootId = HostClock.ReadBootId(),
        StartedAt = time.GetUtcNow(),
        Arguments = [probe.Key.Binary, .. arguments],
        EngineVersion = probe.Version,
    };

    // Our copies of the files are closed when this returns, and the line is connected before QEMU is there.
    private async Task<(ChildProcess Process, Task<QmpClient> Opening, Stream? Serial)> SpawnAsync(RunRecord record, ReadOnlyMemory<byte> key,
        QemuFiles files, RuntimeFolder folder, CgroupPlacement placement, SafeFileHandle stderr, Undo undo, CancellationToken cancellationToken)
    {
        var definition = record.Definition;
        using var tpm = definition.Tpm == null ? null : await TpmEmulator.StartAsync(definition, key, Programs.Find(options.TpmBinary), placement, stderr,
            new StderrLog(folder.StderrPath).ReadTail, cancellationToken);
        // A scope of systemd is made by its first process.
        if (tpm != null) placement = cgroups.Join(QemuVm.CgroupName(definition));
        using var opened = QemuOpenFiles.Open(files, folder, tpm == null ? NoLines : new Dictionary<string, SafeHandle> { [QemuFiles.TpmLine] = tpm.SafeHandle });
        CrashPoints.Reached("runtime", "files", "after");
        var opening = QemuMonitor.OpenAsync(folder, cancellationToken);
        undo.Add(() => CloseAsync(opening));
        var serial = definition.Serial ? await folder.ConnectStreamAsync(QemuFiles.SerialSocket, cancellationToken) : null;
        if (serial != null) undo.Add(serial.Dispose);
        try
        {
            var process = ChildProcess.Spawn(new ChildSpec
            {
                Program = record.Arguments[0],
                Arguments = [.. record.Arguments.Skip(1)],
                Files = opened.Files,
                User = new ChildUser((uint)definition.Uid, (uint)definition.Gid)
                {
                    SupplementaryGroups = _prober.GroupsFor(definition.Accelerator),
                },
                Cgroup = placement,
                Limits = new ChildLimits { CoreBytes = 0 },
                StandardError = ChildOutput.To(stderr),
            });
            undo.Add(process.Dispose);
            return (process, opening, serial);
        }
        catch (LinuxException exception)
        {
            throw new VmEngineException(VmEngineFailure.EngineMissing, $"QEMU of VM {definition.Name} cannot be started: {exception.Message}",
                "Check with `lamina doctor` that QEMU and setpriv are installed.", exception);
        }
    }

    private static async Task<QmpClient> AwaitAnswerAsync(VmDefinition definition, ChildProcess process, Task<QmpClient> opening,
        RuntimeFolder folder, CancellationToken cancellationToken)
    {
        try
        {
            return await opening;
        }
        catch (Exception exception) when (exception is QmpClosedException or QmpProtocolException or QmpErrorException)
        {
            // A line that broke is that of a process on its way out, whose own exit code says more than a signal of ours.
            if (exception is not QmpClosedException) process.Send(Signal.Kill);
            var exit = await process.WaitForExitAsync(cancellationToken);
            throw StartFailure.Describe(definition, exit, new StderrLog(folder.StderrPath).ReadTail());
        }
    }

    private static async Task CloseAsync(Task<QmpClient> opening)
    {
        await ((Task)opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (opening.IsCompletedSuccessfully) await opening.Result.DisposeAsync();
    }

    // Dead means an empty cgroup. The record's boot makes sure that the cgroup is the one that was meant.
    private async Task<ChildProcess?> FindProcessAsync(RunRecord record, CancellationToken cancellationToken)
    {
        if (record.HostBootId != HostClock.ReadBootId()) return null;
        var name = QemuVm.CgroupName(record.Definition);
        for (var attempt = 0; attempt < AdoptAttempts; attempt++)
        {
            var members = cgroups.ReadMembers(name);
            if (members.Count == 0) return null;
            var known = members.Select(ProcessIdentity.Read).OfType<ProcessIdentity>().ToList();
            foreach (var identity in known.Where(identity => IsQemu(identity, record)))
                if (ChildProcess.Adopt(identity) is { } process) return process;
            if (known.Count != members.Count || known.Any(identity => IsQemu(identity, record))) continue;
            // The TPM alone: its QEMU is gone, or was never born.
            await cgroups.KillAllAsync(name, options.KillPatience, cancellationToken);
            return null;
        }
        throw new VmEngineException(VmEngineFailure.HostResource, $"The processes in cgroup {name} cannot be watched.",
            "See `lamina doctor`: the daemon must run as root in the host's own pid namespace.");
    }

    private static bool IsQemu(ProcessIdentity identity, RunRecord record) => identity.HasArgument(record.Definition.Id.ToString());

    private static SafeFileHandle OpenStderr(RuntimeFolder folder)
    {
        // Reading and writing, since an end opened for reading alone would wait for a writer.
        return File.OpenHandle(folder.StderrPath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
    }
}
