using Lamina.Api;
using Lamina.Server.Migration.Plan;
using ContentState = Lamina.Server.Migration.Plan.ContentState;

namespace Lamina.Tests.Unit.Migration;

/// <summary>What may happen next in a <see cref="HandoverWorld"/>.</summary>
internal enum Happening
{
    SourceActs,
    TargetActs,
    SourceReads,
    TargetReads,

    /// <summary>The stream goes on by one state.</summary>
    StreamMoves,

    /// <summary>The link breaks: before the last handshake, in it, or after it.</summary>
    LinkCut,
    SourceDaemonDies,
    TargetDaemonDies,
    SourceQemuDies,
    TargetQemuDies,
    CancelAsked,
    TimePasses,

    /// <summary>The answer to the next transaction is lost; it was carried out.</summary>
    AnswerLost,

    /// <summary>The next transaction does not reach the store, and nobody can tell.</summary>
    RequestLost,

    /// <summary>The target's disk lock refuses the next <c>cont</c>.</summary>
    LockHeld,

    /// <summary>The guest writes faster than the link carries.</summary>
    Outruns,

    /// <summary>Post-copy is asked for, and precopy comes to its end first.</summary>
    ConvergesAfterAll,

    /// <summary>In post-copy: the link breaks and only the source notices.</summary>
    LinkFallsSilent,

    /// <summary>Of a paused guest: the source's daemon dies just after the next <c>cont</c>, before the pause that follows it.</summary>
    PauseLost,
}

/// <summary>
/// Two hosts, one store and one guest, as a model. Each daemon has its own, possibly old, view of the store; transactions compare the revision. QEMU's part
/// is as measured: a target stands still until it is told, a source that failed before <c>completed</c> runs on by itself.
/// </summary>
/// <param name="plan">Of both sides.</param>
/// <param name="kind">Whether the guest runs.</param>
/// <param name="files">Files of it go along.</param>
/// <param name="postCopy">It is allowed.</param>
/// <param name="paused">The guest is paused, and stays so.</param>
internal sealed partial class HandoverWorld(Func<MigrationMoment, MigrationStep> plan, HandoverKind kind = HandoverKind.Live, bool files = false, bool postCopy = false, bool paused = false)
{
    private readonly Daemon _source = new() { Side = MigrationSide.Source };
    private readonly Daemon _target = new() { Side = MigrationSide.Target };
    private StoreState _store = new();
    private SourceQemu _sourceQemu = kind == HandoverKind.Live ? SourceQemu.Idle : SourceQemu.AtRest;
    private TargetQemu _targetQemu = TargetQemu.None;
    private bool _sourceRuns = kind == HandoverKind.Live && !paused;
    private bool _targetRuns;
    private bool _marker;
    private bool _refused;
    private bool _cancel;
    private bool _loseAnswer;
    private bool _loseRequest;
    private bool _lockHeld;
    private bool _ranAtTarget;
    private bool _qemuDied;
    private ContentState _content = files ? ContentState.Missing : ContentState.NotNeeded;
    private bool _leftFilesBehind;

    /// <summary>The source has gone on from a moment of which the target has the memory.</summary>
    private bool _sourceRanOn;

    /// <summary>Both run, or one goes on from where the other has gone on from already: what must never be.</summary>
    public bool IsDoubled { get; private set; }

    public IReadOnlyList<string> Trace => _trace;

    private readonly List<string> _trace = [];

    public void Happen(Happening happening)
    {
        _trace.Add($"{happening} {Describe()}");
        switch (happening)
        {
            case Happening.SourceActs:
                Act(_source);
                break;
            case Happening.TargetActs:
                Act(_target);
                break;
            case Happening.SourceReads:
                _source.View = _store;
                break;
            case Happening.TargetReads:
                _target.View = _store;
                break;
            case Happening.StreamMoves:
                MoveStream();
                break;
            case Happening.LinkCut:
                CutLink();
                break;
            case Happening.SourceDaemonDies:
                Restart(_source);
                break;
            case Happening.TargetDaemonDies:
                Restart(_target);
                // What it has brought it does not trust any more.
                if (files && _store.Phase != StorePhase.Committed) _content = ContentState.Missing;
                break;
            case Happening.SourceQemuDies:
                if (IsPostCopy) BreakPostCopy(isNoticed: true);
                if (_sourceQemu != SourceQemu.AtRest) _sourceQemu = SourceQemu.Gone;
                (_sourceRuns, _qemuDied) = (false, true);
                break;
            case Happening.TargetQemuDies:
                if (IsPostCopy) BreakPostCopy(isNoticed: true);
                if (_targetQemu != TargetQemu.None) _targetQemu = TargetQemu.Gone;
                (_targetRuns, _qemuDied) = (false, true);
                break;
            case Happening.CancelAsked:
                _cancel = true;
                break;
            case Happening.TimePasses:
                _source.Waited = _target.Waited = true;
                // A link that has carried nothing for so long is broken.
                _postCopyBroke |= IsPostCopy;
                break;
            case Happening.AnswerLost:
                _loseAnswer = true;
                break;
            case Happening.RequestLost:
                _loseRequest = true;
                break;
            case Happening.LockHeld:
                _lockHeld = true;
                break;
            case Happening.Outruns:
                _outruns = true;
                break;
            case Happening.ConvergesAfterAll:
                _converges = true;
                break;
            case Happening.LinkFallsSilent:
                if (IsPostCopy) BreakPostCopy(isNoticed: false);
                break;
            case Happening.PauseLost:
                _losesPause = paused;
                break;
        }

        _ranAtTarget |= _targetRuns;
        IsDoubled |= _sourceRuns && _ranAtTarget;
        IsDoubled |= _targetRuns && _sourceRanOn;
        IsDoubled |= IsTorn;
    }

    /// <summary>Nothing goes wrong any more: both sides act until both rest, and then their VMs' own plans do.</summary>
    public void Settle()
    {
        _loseAnswer = _loseRequest = _lockHeld = _losesPause = false;
        for (int turn = 0; turn < 200; turn++)
        {
            string before = Describe();
            foreach (var happening in new[] { Happening.SourceReads, Happening.SourceActs, Happening.TargetReads, Happening.TargetActs, Happening.StreamMoves }) Happen(happening);
            if (Describe() == before) Happen(Happening.TimePasses);
            if (_source.HasLetGo && _target.HasLetGo) break;
        }
    }

    /// <summary>Null: it has come to rest in a right state; else what is wrong.</summary>
    public string? WrongAtRest()
    {
        if (!_source.HasLetGo || !_target.HasLetGo) return $"it does not come to rest: {Describe()}";
        bool atSource = _store.Owner == MigrationSide.Source;
        bool hasStray = atSource ? _targetQemu is not (TargetQemu.None or TargetQemu.Gone) : _sourceQemu is not (SourceQemu.Gone or SourceQemu.AtRest);
        if (hasStray) return $"a process is left where the VM is not: {Describe()}";
        if (_leftFilesBehind) return "the VM was committed without its files";
        if (files && atSource && _content != ContentState.Missing) return $"files are left where the VM is not: {_content}";
        if (kind == HandoverKind.Cold) return _sourceRuns || _targetRuns ? "a stopped VM runs" : null;
        // A process that has died is begun anew, or told of, by the owner's own plan.
        bool isDead = atSource ? _sourceQemu == SourceQemu.Gone : _targetQemu == TargetQemu.Gone;
        bool runs = atSource ? _sourceRuns : _targetRuns;
        if (isDead && !_qemuDied && !_postCopyBroke) return $"its memory is lost, and no process had died: {Describe()}";
        if (paused) return isDead || StandsRight(atSource) ? null : $"a paused guest runs, or its process is not as one that is paused: {Describe()}";
        return isDead || runs ? null : $"the guest stands still and nobody lets it go on: {Describe()}";
    }

    private string Describe() =>
        $"store {_store.Phase}/{_store.Owner}/{_store.SourceWord}/{_store.TargetWord}/{_store.Taken}{Words(_store)}, source {_sourceQemu} {_sourceRuns} {_source}, target {_targetQemu} {_targetRuns} {_target}, marker {_marker} refused {_refused} stuck {_isStuck} disks {_hasDisks}";

    private static void Restart(Daemon daemon)
    {
        daemon.Waited = false;
        daemon.InDoubt = null;
        daemon.HasLetGo = false;
        daemon.Refusing = false;
        (daemon.PostCopyBegun, daemon.IsNew, daemon.Tried) = (false, true, 0);
    }

    private void MoveStream()
    {
        if (_content == ContentState.Coming) _content = ContentState.Here;
        if (IsPostCopy)
        {
            MovePostCopy();
            return;
        }

        if (_targetQemu is not (TargetQemu.InMigrate or TargetQemu.Loaded))
        {
            CutLink();
            return;
        }

        switch (_sourceQemu)
        {
            case SourceQemu.Moving when postCopy && _outruns && !_converges && !_source.PostCopyBegun:
                break;
            case SourceQemu.Moving:
                _sourceQemu = postCopy ? SourceQemu.PreSwitchover : SourceQemu.Device;
                (_sourceRuns, _isStuck) = (false, paused);
                break;
            case SourceQemu.Device when _targetQemu == TargetQemu.InMigrate:
                (_targetQemu, _isWhole) = (TargetQemu.Loaded, true);
                break;
            case SourceQemu.Device:
                _sourceQemu = SourceQemu.Completed;
                break;
        }
    }

    /// <summary>Before <c>completed</c> the source fails and runs on by itself, also when the target has everything already.</summary>
    private void CutLink()
    {
        if (_content == ContentState.Coming) _content = ContentState.Failed;
        if (IsPostCopy) BreakPostCopy(isNoticed: true);
        if (_sourceQemu is not (SourceQemu.Moving or SourceQemu.Device)) return;
        FailSource(SourceQemu.Failed);
        _sourceRanOn |= _targetQemu == TargetQemu.Loaded;
        if (_targetQemu == TargetQemu.InMigrate) _targetQemu = TargetQemu.Gone;
    }

    private MigrationMoment Look(Daemon daemon)
    {
        var view = daemon.View;
        var late = daemon.Waited ? TimeSpan.FromHours(1) : TimeSpan.Zero;
        var sourceWord = view.SourceWord > 0 ? new HandoverSource { Nonce = "1", Completed = view.SourceWord > 1, AtSwitch = view.AtSwitch, Ended = view.Ended, Failed = view.Failed, Breaks = view.Breaks } : null;
        var targetWord = view.TargetWord == 0 ? null : new HandoverTarget
        {
            Nonce = "1", Recoveries = view.Recoveries,
            State = view.TargetWord switch { 1 => HandoverTargetState.Listening, 3 => HandoverTargetState.Whole, _ => HandoverTargetState.Failed },
        };
        bool isSource = daemon.Side == MigrationSide.Source;
        return new MigrationMoment
        {
            Side = daemon.Side,
            Kind = kind,
            Phase = daemon.InDoubt is null ? view.Phase : StorePhase.Unknown,
            Waited = late,
            PostCopy = postCopy,
            StaysPaused = paused,
            Source = new SourceSeen
            {
                Qemu = isSource ? _sourceQemu : SourceQemu.Unknown,
                For = late,
                IsHalted = isSource && IsHalted,
                IsLoose = isSource && paused && _sourceRuns,
                Word = sourceWord,
                Stop = !isSource ? null : _cancel ? MigrationFailures.Cancelled : daemon.IsNew && postCopy && _sourceQemu == SourceQemu.PreSwitchover ? MigrationFailures.SwitchStuck : null,
                WantsPostCopy = isSource && (_sourceQemu == SourceQemu.PreSwitchover ? daemon.PostCopyBegun : postCopy && _outruns && !daemon.PostCopyBegun),
                StalledFor = late,
                TriedRecoveries = daemon.Tried,
            },
            Target = new TargetSeen
            {
                Qemu = isSource ? TargetQemu.Unknown : _targetQemu,
                Word = targetWord,
                MayHaveRun = !isSource && _marker && !_refused,
                HasDisks = !isSource && _hasDisks,
                RefusedFor = !isSource && daemon.Refusing ? late : null,
                HasTaken = view.Taken,
                Content = isSource ? ContentState.NotNeeded : _content,
                HasEnded = view.Crashed,
                IsWhole = !isSource && _isWhole,
            },
        };
    }

    private void Act(Daemon daemon)
    {
        if (daemon.HasLetGo) return;
        switch (plan(Look(daemon)))
        {
            case var step when ActInPostCopy(daemon, step):
                break;
            case MigrationStep.Settle:
                (_loseAnswer, _loseRequest) = (false, false);
                Commit(daemon, daemon.InDoubt!);
                break;
            case MigrationStep.TellDefinition:
                daemon.IsNew = false;
                Write(daemon, store => store with { SourceWord = 1 });
                break;
            case MigrationStep.TellCompleted:
                daemon.Waited = false;
                Write(daemon, store => store with { SourceWord = 2 });
                break;
            case MigrationStep.TellFailed:
                Write(daemon, store => store with { TargetWord = 2 });
                break;
            case MigrationStep.Build:
                _targetQemu = TargetQemu.InMigrate;
                _isWhole = _hasDisks = false;
                Write(daemon, store => store with { TargetWord = 1 });
                break;
            case MigrationStep.BeginMigration:
                _sourceQemu = _sourceQemu == SourceQemu.Idle ? SourceQemu.Moving : _sourceQemu;
                break;
            case MigrationStep.Fetch:
                _content = ContentState.Coming;
                break;
            case MigrationStep.Abort:
                Commit(daemon, Decision(daemon, StorePhase.Prepared, store => store with { Phase = StorePhase.Aborted }));
                break;
            case MigrationStep.Commit:
                _leftFilesBehind |= files && _content != ContentState.Here;
                Commit(daemon, Decision(daemon, StorePhase.Prepared, store => store with { Phase = StorePhase.Committed, Owner = MigrationSide.Target, Taken = kind == HandoverKind.Cold }));
                break;
            case MigrationStep.HandBack:
                Commit(daemon, Decision(daemon, StorePhase.Committed, store => store with { Phase = StorePhase.HandedBack, Owner = MigrationSide.Source }));
                break;
            case MigrationStep.Done:
                Commit(daemon, Decision(daemon, StorePhase.Committed, store => store with { Taken = true }));
                break;
            case MigrationStep.ReportCrash:
                // Its own plan starts it from its disks, at any time.
                _ranAtTarget = true;
                Commit(daemon, Decision(daemon, StorePhase.Committed, store => store with { Taken = true, Crashed = true }));
                break;
            case MigrationStep.Finish:
                Commit(daemon, new Transaction(_ => true, store => store with { Phase = StorePhase.Gone }));
                break;
            case MigrationStep.Cancel:
                if (_sourceQemu is SourceQemu.Moving or SourceQemu.PreSwitchover or SourceQemu.Device) FailSource(SourceQemu.Cancelled);
                if (_targetQemu == TargetQemu.InMigrate) _targetQemu = TargetQemu.Gone;
                break;
            case MigrationStep.ContinueSource or MigrationStep.TakeBack:
                ContinueSource();
                break;
            case MigrationStep.ContinueTarget:
                ContinueTarget(daemon);
                break;
            case MigrationStep.HoldTarget:
                HoldTarget(daemon);
                break;
            case MigrationStep.KillSource:
                (_sourceQemu, _sourceRuns) = (SourceQemu.Gone, false);
                break;
            case MigrationStep.KillTarget:
                (_targetQemu, _targetRuns) = (TargetQemu.Gone, false);
                break;
            case MigrationStep.Undo:
                (_targetQemu, _targetRuns) = (TargetQemu.None, false);
                if (files) _content = ContentState.Missing;
                daemon.HasLetGo = daemon.View.Phase == StorePhase.Gone;
                break;
            case MigrationStep.LetGo:
                daemon.HasLetGo = true;
                break;
        }
    }

    private void ContinueTarget(Daemon daemon)
    {
        _marker = true;
        _refused = false;
        if (_lockHeld)
        {
            (_lockHeld, _refused, daemon.Refusing) = (false, true, true);
            return;
        }

        if (_targetQemu is TargetQemu.Loaded or TargetQemu.PostCopy) (_targetQemu, _targetRuns) = (TargetQemu.Running, true);
    }

    private static Transaction Decision(Daemon daemon, StorePhase expected, Func<StoreState, StoreState> write)
    {
        long revision = daemon.View.Revision;
        return new Transaction(store => store.Revision == revision && store.Phase == expected, store => write(store) with { Revision = store.Revision + 1 });
    }

    /// <summary>A word of one's own: a put.</summary>
    private void Write(Daemon daemon, Func<StoreState, StoreState> write) => Commit(daemon, new Transaction(store => store.Phase != StorePhase.Gone, write));

    private void Commit(Daemon daemon, Transaction transaction)
    {
        if (_loseRequest)
        {
            (_loseRequest, daemon.InDoubt) = (false, transaction);
            return;
        }

        if (!transaction.Done && transaction.Compare(_store))
        {
            _store = transaction.Write(_store);
            transaction.Done = true;
        }

        daemon.InDoubt = _loseAnswer ? transaction : null;
        if (!_loseAnswer) daemon.View = _store;
        _loseAnswer = false;
    }

    /// <param name="Revision">Of the hand-over's key.</param>
    private sealed record StoreState(long Revision = 1)
    {
        public StorePhase Phase { get; init; } = StorePhase.Prepared;
        public MigrationSide Owner { get; init; } = MigrationSide.Source;

        /// <summary>0 none, 1 definition, 2 completed.</summary>
        public int SourceWord { get; init; }

        /// <summary>0 none, 1 listening, 2 failed, 3 whole.</summary>
        public int TargetWord { get; init; }
        public bool Taken { get; init; }
        public bool AtSwitch { get; init; }
        public bool Ended { get; init; }
        public bool Failed { get; init; }
        public bool Crashed { get; init; }
        public int Breaks { get; init; }
        public int Recoveries { get; init; }
    }

    private sealed record Transaction(Func<StoreState, bool> Compare, Func<StoreState, StoreState> Write)
    {
        /// <summary>The store applies a nonce once.</summary>
        public bool Done { get; set; }
    }

    private sealed class Daemon
    {
        public required MigrationSide Side { get; init; }
        public StoreState View { get; set; } = new();
        public Transaction? InDoubt { get; set; }
        public bool Waited { get; set; }
        public bool Refusing { get; set; }
        public bool HasLetGo { get; set; }

        /// <summary>It has asked for post-copy.</summary>
        public bool PostCopyBegun { get; set; }

        /// <summary>It has started anew, and knows only what stands in the store.</summary>
        public bool IsNew { get; set; }
        public int Tried { get; set; }

        public override string ToString() => $"({View.Phase}{(InDoubt is null ? "" : " in doubt")}{(Waited ? " late" : "")}{(HasLetGo ? " done" : "")})";
    }
}
