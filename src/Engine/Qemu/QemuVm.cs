using System.Runtime.InteropServices;
using System.Threading.Channels;
using Lamina.Engine.Agent;
using Lamina.Engine.Qmp;
using Lamina.Engine.Serial;
using Lamina.Linux;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Engine.Qemu;

/// <summary>A running QEMU: started just now, or found again. Everything that happens to it comes out of one channel, in order.</summary>
internal sealed partial class QemuVm : IVm
{
    private const string VncProtocol = "vnc";
    private const int MostPictureBytes = 64 << 20;

    private readonly RuntimeFolder _folder;
    private readonly QemuEngineOptions _options;
    private readonly TimeProvider _time;
    private readonly CgroupManager _cgroups;
    private readonly ChildProcess _process;
    private readonly SafeFileHandle _stderrPipe;
    private readonly StderrLog _stderr;
    private readonly QemuMonitor _monitor;
    private readonly QemuCounters _counters;
    private readonly Channel<VmEvent> _events = Channel.CreateUnbounded<VmEvent>(new() { SingleReader = true });
    private readonly TaskCompletionSource _dead = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _detached = new();
    private Task _loops = Task.CompletedTask;
    private readonly EventWaiters _waiters = new();
    private readonly QemuLayers _layers;
    private readonly QemuMirror _mirror;
    private readonly QemuMemory _memory;
    private readonly OutOfBandLine _line;
    private readonly QemuMigration _migration;
    private readonly QemuSource _source;
    private readonly QemuTarget _target;
    private readonly QemuMirrors _mirrors;
    private readonly QemuChanges _changes;
    private readonly SemaphoreSlim _revising = new(1, 1);
    private volatile RunRecord _record;
    private bool _isUntouched;
    private int _lastVncClient;

    /// <param name="stderrPipe">Held open, so that the last words outlive their writer.</param>
    public QemuVm(RunRecord record, ChildProcess process, SafeFileHandle stderrPipe, CgroupManager cgroups, QemuEngineOptions options,
        TimeProvider time, Func<CancellationToken, Task<QemuFeatures>> features)
    {
        _record = record;
        _process = process;
        _stderrPipe = stderrPipe;
        _cgroups = cgroups;
        _options = options;
        _time = time;
        _folder = new RuntimeFolder(record.Definition.RuntimeFolder);
        _stderr = new StderrLog(_folder.StderrPath);
        _monitor = new QemuMonitor(_folder, options, time, Receive, ReportTrouble);
        _changes = new QemuChanges(this, _monitor, _waiters, features, time);
        _counters = new QemuCounters(_monitor);
        var jobs = new QemuJobs(_monitor, _waiters, time);
        _layers = new QemuLayers(this, _monitor, jobs);
        _mirror = new QemuMirror(this, _monitor, jobs, time);
        _memory = new QemuMemory(_monitor, _waiters, time);
        _line = new OutOfBandLine(_folder, time);
        _migration = new QemuMigration(_monitor, _waiters, _line, time);
        var credentials = new QemuCredentials(this, _folder, _monitor);
        _source = new QemuSource(this, _monitor, _migration, credentials, _line, time);
        _target = new QemuTarget(this, _folder, _monitor, _migration, credentials, _line);
        _mirrors = new QemuMirrors(this, _monitor, _migration, jobs, _waiters, credentials, time);
        Agent = new GuestAgent(token => _folder.ConnectStreamAsync(QemuFiles.AgentSocket, token), time);
    }

    public Guid Id => Definition.Id;
    public long Epoch => Definition.Epoch;
    public long Run => Definition.Run;
    public VmDefinition Definition => _record.Definition;
    public RunRecord Record => _record;
    public ChannelReader<VmEvent> Events => _events.Reader;
    public bool MonitorAnswers => _monitor.Answers;
    public string StderrTail => _stderr.ReadTail();
    public SerialConsole Serial { get; } = new();
    public GuestAgent Agent { get; }

    /// <summary>Completes when it is known whether the monitor answers.</summary>
    public Task Settled => _monitor.Settled;

    /// <summary>The cgroup of a VM, below that of the instance.</summary>
    public static string CgroupName(VmDefinition definition) => definition.Id.ToString();

    /// <summary>Begins to watch. The lines may be open already, from the start; null = connect.</summary>
    public void Watch(QmpClient? monitor, Stream? serial)
    {
        _isUntouched = monitor != null;
        var exit = _process.WaitForExitAsync(_detached.Token);
        var monitoring = _monitor.RunAsync(monitor, exit, _detached.Token);
        _loops = Task.WhenAll(PumpSerialAsync(serial), AwaitEndAsync(exit, monitoring));
    }

    public async Task<RunState> QueryStateAsync(CancellationToken cancellationToken) =>
        (await _monitor.ExecuteAsync(QmpCommands.QueryStatus, QmpNothing.Instance, cancellationToken)).Status;

    public async Task ContinueAsync(ContinuePermit? permit, CancellationToken cancellationToken)
    {
        // A process that this object started, and that nobody has told anything yet, need not be asked: a round trip less at each start.
        var isUntouched = Interlocked.Exchange(ref _isUntouched, false) && !Definition.MigratesIn;
        var state = isUntouched ? RunState.PreLaunch : await QueryStateAsync(cancellationToken);
        ContinueGate.Check(state, Epoch, Run, permit, Definition.MigratesIn);
        if (Definition.MigratesIn) await ContinueArrivedAsync(cancellationToken);
        else await SendAsync(QmpCommands.Continue, cancellationToken);
    }

    public Task PauseAsync(CancellationToken cancellationToken) => SendAsync(QmpCommands.Stop, cancellationToken);

    public Task ResetAsync(CancellationToken cancellationToken) => SendAsync(QmpCommands.SystemReset, cancellationToken);

    public Task PowerDownAsync(CancellationToken cancellationToken) => SendAsync(QmpCommands.SystemPowerDown, cancellationToken);

    public async Task QuitAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(QmpCommands.Quit, cancellationToken);
        }
        catch (QmpClosedException)
        {
            // Either it went before it had answered, or it never heard.
            await Task.WhenAny(_dead.Task, Task.Delay(_options.ReconnectDelay, _time, cancellationToken));
            if (!_dead.Task.IsCompleted) throw;
        }
        await _dead.Task.WaitAsync(cancellationToken);
    }

    public async Task KillAsync(CancellationToken cancellationToken)
    {
        await _cgroups.KillAllAsync(CgroupName(Definition), _options.KillPatience, cancellationToken);
        await _dead.Task.WaitAsync(cancellationToken);
    }

    public async Task<IReadOnlyList<DiskProblem>> QueryDiskProblemsAsync(CancellationToken cancellationToken)
    {
        // QEMU keeps a disk's last failure after the guest went on.
        if (await QueryStateAsync(cancellationToken) != RunState.IoError) return [];
        var devices = await _monitor.ExecuteAsync(QmpCommands.QueryBlock, QmpNothing.Instance, cancellationToken);
        return [.. devices.Where(device => device.IoStatus is BlockIoStatus.Failed or BlockIoStatus.NoSpace)
            .Select(device => new DiskProblem(
                QemuEvents.DeviceOf(device.Inserted?.NodeName ?? device.Qdev ?? ""), device.IoStatus == BlockIoStatus.NoSpace))];
    }

    public async Task ReviseAsync(VmDefinition definition, CancellationToken cancellationToken)
    {
        await _revising.WaitAsync(cancellationToken);
        try
        {
            RevisionRules.Require(Definition, definition);
            DefinitionRules.Require(definition);
            Write(definition);
        }
        finally
        {
            _revising.Release();
        }
    }

    public Task AddLayersAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken) => _layers.AddAsync(layers, cancellationToken);

    public Task UseLayersAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken) => _layers.UseAsync(layers, cancellationToken);

    public Task<bool> AreLayersUsedAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken) => _layers.AreUsedAsync(layers, cancellationToken);

    public Task DropLayersAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken) =>
        _layers.DropAsync(layers.Select(DiskChain.NodeOf), cancellationToken);

    public Task MergeLayerAsync(string job, int slot, string path, Action<int> onPercent, CancellationToken cancellationToken) =>
        _layers.MergeAsync(job, slot, path, onPercent, cancellationToken);

    public Task FinishMergeAsync(string job, int slot, string path, CancellationToken cancellationToken) =>
        _layers.FinishMergeAsync(job, slot, path, cancellationToken);

    public Task<MirrorPhase> FindMirrorAsync(DiskMirror mirror, CancellationToken cancellationToken) => _mirror.FindAsync(mirror, cancellationToken);

    public Task MirrorDiskAsync(DiskMirror mirror, Action<int> onPercent, CancellationToken cancellationToken) =>
        _mirror.FollowAsync(mirror, onPercent, cancellationToken);

    public Task FinishMirrorAsync(DiskMirror mirror, CancellationToken cancellationToken) => _mirror.FinishAsync(mirror, cancellationToken);

    public Task<MirrorPhase> CloseMirrorAsync(DiskMirror mirror, CancellationToken cancellationToken) => _mirror.CloseAsync(mirror, cancellationToken);

    public async Task ChangeAsync(VmChange change, CancellationToken deadline, CancellationToken cancellationToken)
    {
        if (change is VmChange.SetLimits limits)
        {
            var changed = limits.ApplyTo(Definition);
            await _cgroups.SetLimitsAsync(CgroupName(changed), QemuLimits.Of(changed), cancellationToken);
            await ReviseAsync(changed, cancellationToken);
        }
        else await _changes.DoAsync(change, deadline, cancellationToken);
    }

    public Task<IReadOnlyList<string>> FindMissingAsync(CancellationToken cancellationToken) => _changes.FindMissingAsync(cancellationToken);

    /// <summary>Before the guest's first instruction: what the command line could not say.</summary>
    public Task PrepareAsync(CancellationToken cancellationToken) => _changes.PrepareAsync(cancellationToken);

    public Task<BalloonInfo> QueryBalloonAsync(CancellationToken cancellationToken) =>
        _monitor.ExecuteAsync(QmpCommands.QueryBalloon, QmpNothing.Instance, cancellationToken);

    public Task<VmCounters> QueryCountersAsync(TimeSpan guestInterval, CancellationToken cancellationToken) =>
        _counters.QueryAsync(Definition, guestInterval, cancellationToken);

    public Task SetBalloonAsync(long bytes, CancellationToken cancellationToken) =>
        _monitor.ExecuteAsync(QmpCommands.Balloon, new BalloonArguments { Value = bytes }, cancellationToken);

    public async Task AddVncClientAsync(SafeHandle socket, CancellationToken cancellationToken)
    {
        var name = new FdNameArguments { FdName = $"vnc-{Interlocked.Increment(ref _lastVncClient)}" };
        await _monitor.ExecuteWithHandleAsync(QmpCommands.GetFd, name, socket, cancellationToken);
        try
        {
            await _monitor.ExecuteAsync(QmpCommands.AddClient,
                new AddClientArguments { Protocol = VncProtocol, FdName = name.FdName, SkipAuth = true }, cancellationToken);
        }
        catch (QmpErrorException)
        {
            await _monitor.ExecuteAsync(QmpCommands.CloseFd, name, cancellationToken);
            throw;
        }
    }

    public async Task<byte[]> CaptureScreenAsync(CancellationToken cancellationToken)
    {
        // QEMU writes into memory that it was handed: it opens no file, and never waits for a reader.
        using var picture = Memfd.CreateGrowing("screen");
        AddFdInfo added;
        using (var writable = Memfd.Reopen(picture, OpenFlags.WriteOnly))
            added = await _monitor.ExecuteWithHandleAsync(QmpCommands.AddFd, new AddFdArguments { Opaque = "screen" }, writable, cancellationToken);
        try
        {
            await _monitor.ExecuteAsync(QmpCommands.ScreenDump, new ScreenDumpArguments { Filename = $"/dev/fdset/{added.FdsetId}" }, cancellationToken);
        }
        finally
        {
            // Also when the caller has given up waiting, or each picture would leave a set behind.
            await _monitor.ExecuteAsync(QmpCommands.RemoveFd, new RemoveFdArguments { FdsetId = added.FdsetId }, CancellationToken.None);
        }
        var bytes = new byte[Math.Min(RandomAccess.GetLength(picture), MostPictureBytes)];
        var filled = 0;
        while (filled < bytes.Length && RandomAccess.Read(picture, bytes.AsSpan(filled), filled) is > 0 and var count) filled += count;
        return bytes[..filled];
    }

    public Task<TResult> ExecuteAsync<TArguments, TResult>(QmpCommand<TArguments, TResult> command, TArguments arguments,
        CancellationToken cancellationToken)
    {
        if (command.Name == QmpCommands.Continue.Name) throw new ArgumentException("cont has one gate: ContinueAsync.", nameof(command));
        _isUntouched = false;
        return _monitor.ExecuteAsync(command, arguments, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_detached.IsCancellationRequested) return;
        await _detached.CancelAsync();
        await _loops.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Agent.DisposeAsync();
        await _line.DisposeAsync();
        _events.Writer.TryComplete();
        Serial.Complete();
        _process.Dispose();
        _stderrPipe.Dispose();
        _revising.Dispose();
        _detached.Dispose();
    }

    private async Task SendAsync(QmpCommand<QmpNothing, QmpNothing> command, CancellationToken cancellationToken)
    {
        CrashPoints.Reached("qmp", command.Name, "before");
        await _monitor.ExecuteAsync(command, QmpNothing.Instance, cancellationToken);
        CrashPoints.Reached("qmp", command.Name, "after");
    }

    private void Receive(QmpEvent received)
    {
        _migration.Receive(received);
        _waiters.Receive(received);
        if (QemuEvents.Translate(received, Epoch, Run) is { } happened) _events.Writer.TryWrite(happened);
    }

    private void ReportTrouble(string? trouble) =>
        _events.Writer.TryWrite(trouble == null ? new VmMonitorRestored(Epoch, Run) : new VmMonitorLost(Epoch, Run, trouble));

    private async Task AwaitEndAsync(Task<ChildExit> exiting, Task monitoring)
    {
        var exit = await exiting;
        // What QEMU still said on its monitor comes before the end.
        await monitoring.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await EmptyCgroupAsync();
        _events.Writer.TryWrite(new VmExited(Epoch, Run, exit.ExitCode, exit.Signal, StderrTail));
        _events.Writer.TryComplete();
        Serial.Complete();
        _dead.TrySetResult();
    }

    private async Task EmptyCgroupAsync()
    {
        while (true)
        {
            try
            {
                await _cgroups.KillAllAsync(CgroupName(Definition), _options.KillPatience, _detached.Token);
                return;
            }
            catch (TimeoutException)
            {
                // Something hangs in the kernel: not dead yet, so nobody may be told so.
            }
        }
    }

    // The line is read from the first moment and for as long as the VM lives: a guest whose output nobody takes would stall.
    private async Task PumpSerialAsync(Stream? line)
    {
        if (!Definition.Serial) return;
        while (!_dead.Task.IsCompleted)
        {
            try
            {
                await using var connected = line ?? await _folder.ConnectStreamAsync(QemuFiles.SerialSocket, _detached.Token);
                line = null;
                await Serial.PumpAsync(connected, _detached.Token);
            }
            catch (IOException)
            {
                // Nobody listens: QEMU is on its way out, or busy.
            }
            await Task.WhenAny(_dead.Task, Task.Delay(_options.ReconnectDelay, _time, _detached.Token));
        }
    }
}
