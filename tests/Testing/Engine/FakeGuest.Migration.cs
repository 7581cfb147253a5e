using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;

namespace Lamina.Testing.Engine;

/// <summary>What a fake guest has to do with migrations, and how tests hold, break and blind them.</summary>
public sealed partial class FakeGuest
{
    private TaskCompletionSource _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FakeMigration? _migration;

    /// <summary>Where it stands, and what tests set beforehand.</summary>
    public FakeMigrationState Migration { get; } = new();

    /// <summary>What QEMU answers to the cont of a guest that has arrived, such as a disk's lock; null = it runs.</summary>
    public string? ContinueRefusal { get; set; }

    internal bool IsRunning => IsAlive && State == RunState.Running;

    /// <summary>The source's migration goes on from where it stands up to this phase and stays there; null = as far as it can.</summary>
    public void HoldMigrationAt(MigrationPhase? phase)
    {
        lock (_wire.MigrationLock)
        {
            Migration.Hold = phase;
            _migration?.Advance();
            Signal();
        }
    }

    /// <summary>Completes when the migration has come to this phase; it may have left it again by then, unless it is held there.</summary>
    public async Task ReachedAsync(MigrationPhase phase, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task moved;
            lock (_wire.MigrationLock)
            {
                if (Migration.Seen.Contains(phase)) return;
                moved = _moved.Task;
            }

            await moved.WaitAsync(cancellationToken);
        }
    }

    /// <summary>A mirror breaks, as with the target's disk full.</summary>
    public void FailMirror(int slot, string error)
    {
        lock (_wire.MigrationLock)
        {
            Migration.Mirrors[slot] = Migration.Mirrors[slot] with { Stage = MirrorStage.Failed, Error = error };
            Signal();
        }
    }

    /// <summary>Mirrors that <see cref="FakeMigrationState.HoldsMirrors"/> kept are equal now.</summary>
    public void ReadyMirrors()
    {
        lock (_wire.MigrationLock)
        {
            Migration.HoldsMirrors = false;
            foreach (var mirror in Migration.Mirrors.Values.Where(mirror => mirror.Stage == MirrorStage.Copying).ToList())
                Migration.Mirrors[mirror.Slot] = mirror with { Stage = MirrorStage.Ready, CopiedBytes = mirror.TotalBytes };
            Signal();
        }
    }

    internal void Enter(MigrationPhase phase)
    {
        Migration.Phase = phase;
        Migration.Seen.Add(phase);
        lock (_lock) _handle?.Publish(new VmMigrationChanged(Definition.Epoch, Definition.Run, phase));
        Signal();
    }

    internal void Stand(RunState state) => Become(state, vm => state == RunState.Running ? new VmResumed(vm.Epoch, vm.Run) : new VmStopped(vm.Epoch, vm.Run));

    internal MigrationState QueryMigration()
    {
        lock (_wire.MigrationLock)
        {
            return new MigrationState
            {
                Phase = Migration.Phase, Guest = Migration.IsMute ? null : State, Error = Migration.Error, Progress = ProgressNow(),
                Mirrors = [.. Migration.Mirrors.Values], Exports = [.. Migration.Exports], Blockers = Migration.Blockers,
            };
        }
    }

    internal async Task<MigrationPhase> FollowMigrationAsync(Action<MigrationProgress>? onProgress, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task moved;
            MigrationProgress? progress;
            lock (_wire.MigrationLock)
            {
                if (Migration.Phase.NeedsCaller()) return Migration.Phase;
                if (!IsAlive) throw new QmpClosedException("query-migrate: the process has ended.");
                progress = ProgressNow();
                moved = _moved.Task;
            }

            if (progress != null) onProgress?.Invoke(progress);
            await moved.WaitAsync(cancellationToken);
        }
    }

    internal MigrationEndpoint Listen(MigrationListen listen)
    {
        lock (_wire.MigrationLock)
        {
            if (State != RunState.InMigrate) throw new QmpErrorException("migrate-incoming", "GenericError", "'-incoming' was not specified on the command line");
            var endpoint = _wire.Listen(this, listen)
                ?? throw new VmEngineException(VmEngineFailure.HostResource, "No port is free.", "Wait for other migrations to end.");
            Migration.Transport = listen.Transport;
            Migration.Authority = listen.Credentials?.Authority;
            Migration.Exports = [.. listen.ExportSlots];
            Enter(MigrationPhase.Setup);
            return endpoint;
        }
    }

    internal void StopListening()
    {
        lock (_wire.MigrationLock) Migration.Exports = [];
    }

    internal MigrationEndpoint Recover(MigrationListen listen)
    {
        lock (_wire.MigrationLock)
        {
            if (Migration.Phase != MigrationPhase.PostCopyPaused) throw new QmpErrorException("migrate-recover", "GenericError", "Migrate recover can only be run when postcopy is paused.");
            return _wire.Listen(this, listen) ?? throw new VmEngineException(VmEngineFailure.HostResource, "No port is free.", "Wait for other migrations to end.");
        }
    }

    internal void BeginMirrors(MigrationMirrors mirrors)
    {
        lock (_wire.MigrationLock)
        {
            var target = _wire.Find(mirrors.To) ?? throw new QmpErrorException("blockdev-add", "GenericError", "Failed to connect: Connection refused");
            foreach (var disk in mirrors.Disks.Where(disk => !Migration.Mirrors.ContainsKey(disk.Slot)))
            {
                if (!target.Migration.Exports.Contains(disk.Slot)) throw new QmpErrorException("blockdev-add", "GenericError", $"Requested export 'disk{disk.Slot}' not found");
                Migration.Mirrors[disk.Slot] = new MirrorState { Slot = disk.Slot, Stage = MirrorStage.Copying, CopiedBytes = 0, TotalBytes = 1 << 20 };
            }

            if (!Migration.HoldsMirrors) ReadyMirrors();
        }
    }

    internal async Task FollowMirrorsAsync(Action<IReadOnlyList<MirrorState>>? onProgress, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task moved;
            MirrorState[] mirrors;
            lock (_wire.MigrationLock)
            {
                mirrors = [.. Migration.Mirrors.Values];
                moved = _moved.Task;
            }

            if (!IsAlive) throw new QmpClosedException("query-jobs: the process has ended.");
            if (mirrors.FirstOrDefault(mirror => mirror.Stage == MirrorStage.Failed) is { } failed) throw new QmpErrorException("blockdev-mirror", "GenericError", failed.Error!);
            if (mirrors.All(mirror => mirror.Stage is MirrorStage.Ready or MirrorStage.Ended)) return;
            onProgress?.Invoke(mirrors);
            await moved.WaitAsync(cancellationToken);
        }
    }

    internal void EndMirrors(IReadOnlyList<int> slots)
    {
        lock (_wire.MigrationLock)
        {
            if (Migration.Phase != MigrationPhase.PreSwitchover) throw new InvalidOperationException("A mirror that ends while the guest writes is not equal for long.");
            foreach (var slot in slots)
            {
                if (!Migration.Mirrors.TryGetValue(slot, out var mirror)) throw new QmpErrorException("blockdev-mirror", "GenericError", $"disk{slot} has no mirror");
                if (mirror.Stage is not (MirrorStage.Ready or MirrorStage.Ended))
                    throw new QmpErrorException("blockdev-mirror", "GenericError", mirror.Error ?? $"the mirror of disk{slot} is not equal");
                Migration.Mirrors[slot] = mirror with { Stage = MirrorStage.Ended };
            }
        }
    }

    internal void CloseMirrors()
    {
        lock (_wire.MigrationLock) Migration.Mirrors.Clear();
    }

    internal void BeginMigration(MigrationSend send)
    {
        lock (_wire.MigrationLock)
        {
            if (_migration is { IsOver: false }) throw new QmpErrorException("migrate", "GenericError", "There's a migration process in progress");
            MigrationRules.Require(send, Record.EngineVersion);
            Migration.Error = null;
            Migration.Seen.Clear();
            Enter(MigrationPhase.Setup);
            var target = _wire.Find(send.To);
            var refusal = target == null || target.Migration.Phase != MigrationPhase.Setup ? "Connection refused"
                : target.Migration.Transport != send.Transport ? "Capabilities differ"
                : target.Migration.Authority != send.Credentials?.Authority ? "The TLS handshake failed"
                : null;
            if (refusal != null)
            {
                Migration.Error = refusal;
                Enter(MigrationPhase.Failed);
                return;
            }

            _migration = new FakeMigration(this, target!, send);
            target!._migration = _migration;
            _wire.Add(_migration);
            _migration.Advance();
        }
    }

    internal void StartPostCopy()
    {
        lock (_wire.MigrationLock)
        {
            if (_migration is not { } migration || Migration.Phase != MigrationPhase.Active || !migration.Target.Migration.Transport.PostCopy)
                throw new QmpErrorException("migrate-start-postcopy", "GenericError", "Post-copy was not enabled, or nothing is on its way");
            migration.PostCopyWanted = true;
            migration.Advance();
        }
    }

    internal void ContinueSwitchover()
    {
        lock (_wire.MigrationLock)
        {
            if (Migration.Phase != MigrationPhase.PreSwitchover) throw new QmpErrorException("migrate-continue", "GenericError", "Migration not in expected state: pre-switchover");
            if (Migration.Hold == MigrationPhase.PreSwitchover) Migration.Hold = null;
            _migration!.ContinueSwitchover();
        }
    }

    internal void ResumePostCopy(MigrationEndpoint to)
    {
        lock (_wire.MigrationLock)
        {
            if (Migration.Phase != MigrationPhase.PostCopyPaused) throw new QmpErrorException("migrate", "GenericError", "Cannot resume if there is no paused migration");
            if (_wire.Find(to) != _migration!.Target) throw new QmpErrorException("migrate", "GenericError", "Connection refused");
            _migration.Resume();
        }
    }

    internal MigrationPhase CancelMigration()
    {
        lock (_wire.MigrationLock)
        {
            MigrationRules.RequireCancellable(Definition, Migration.Phase);
            _migration?.Cancel();
            return Migration.Phase;
        }
    }

    internal void BreakMigration()
    {
        lock (_wire.MigrationLock) _migration?.Break("Connection reset by peer");
    }

    internal void AdoptEpoch(long epoch, long run)
    {
        lock (_lock)
        {
            if (epoch <= Definition.Epoch) throw new VmEngineException(VmEngineFailure.BadDefinition, $"{epoch} is not above {Definition.Epoch}.", "This is a bug: report it.");
            Record = Record with { Definition = Definition with { Epoch = epoch, Run = run } };
        }
    }

    internal void TakeHalted()
    {
        lock (_lock)
            if (State is RunState.InMigrate or RunState.Running) throw new InvalidOperationException($"A guest that is {State} does not stand there halted.");
        Arrived("block-export-add");
    }

    internal void Arrived(string command = "cont")
    {
        lock (_lock)
        {
            if (!Definition.MigratesIn) return;
            var refusal = Migration.Exports.Count > 0 ? "Permission conflict on node 'disk': permissions 'write' are both required and unavailable" : ContinueRefusal;
            if (refusal != null) throw new QmpErrorException(command, "GenericError", refusal);
            Record = Record with { Definition = Definition with { MigratesIn = false } };
        }
    }

    private MigrationProgress? ProgressNow() => _migration == null || _migration.Source != this ? null : new MigrationProgress
    {
        Phase = Migration.Phase, TotalBytes = (long)Definition.MemoryMiB << 20, RemainingBytes = Migration.Phase == MigrationPhase.Completed ? 0 : 1 << 20,
        TransferredBytes = ((long)Definition.MemoryMiB << 20) - (1 << 20), DirtyBytesPerSecond = Migration.DirtyBytesPerSecond, BytesPerSecond = 1 << 30, Passes = Migration.Passes, ThrottlePercent = Migration.ThrottlePercent,
    };

    private void Signal()
    {
        var moved = _moved;
        _moved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        moved.SetResult();
    }
}

/// <summary>A fake guest's part in a migration.</summary>
public sealed class FakeMigrationState
{
    public MigrationPhase Phase { get; internal set; }
    /// <summary>All phases of the present migration so far.</summary>
    public HashSet<MigrationPhase> Seen { get; } = [];
    /// <summary>Source: the migration stops here by itself, as one that takes long or is stuck; set it before it begins, or by <see cref="FakeGuest.HoldMigrationAt"/>.</summary>
    public MigrationPhase? Hold { get; set; }
    /// <summary>Source: the target gets everything, and the source never learns of it: it fails and its guest goes on.</summary>
    public bool LosesLastHandshake { get; set; }
    /// <summary>Source: mirrors stay unequal until <see cref="FakeGuest.ReadyMirrors"/>.</summary>
    public bool HoldsMirrors { get; set; }
    /// <summary>QEMU does not answer for its guest's state, as a target in post-copy without its source.</summary>
    public bool IsMute { get; set; }
    public string? Error { get; set; }
    public IReadOnlyList<string> Blockers { get; set; } = [];
    public long DirtyBytesPerSecond { get; set; }
    public int Passes { get; set; } = 1;
    public int ThrottlePercent { get; set; }
    /// <summary>Source: it stays in <see cref="MigrationPhase.Active"/> until post-copy is asked for.</summary>
    public bool NeedsPostCopy { get; set; }
    /// <summary>Source: post-copy is asked for, and precopy comes to its end first.</summary>
    public bool ConvergesAfterAll { get; set; }
    /// <summary>As a guest does that writes more than the link carries, although it is slowed down.</summary>
    public void Outrun() => (DirtyBytesPerSecond, Passes, ThrottlePercent) = (2L << 30, 12, 60);
    /// <summary>By slot.</summary>
    public Dictionary<int, MirrorState> Mirrors { get; } = [];
    /// <summary>Target: slots of the disks it offers.</summary>
    public IReadOnlyList<int> Exports { get; internal set; } = [];
    public MigrationTransport Transport { get; internal set; } = new();
    public string? Authority { get; internal set; }
    /// <summary>Source: the last bounds set.</summary>
    public MigrationLimits? Limits { get; internal set; }
}
