using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Operations;

/// <summary>
/// An operation in the hands of its executor, who is the one writer of its state. <see cref="OperationRuns.Begin"/> gives it; it ends by
/// <see cref="EndAsync"/>, or is let go by <see cref="DisposeAsync"/> and then taken up again by the next start of the daemon.
/// </summary>
internal sealed class OperationRun : IAsyncDisposable
{
    private readonly OperationRuns _runs;

    // Never disposed: a request to cancel may come at any moment, and a source without timer holds nothing.
    private readonly CancellationTokenSource _cancel = new();
    private readonly ThrottledStatus<OperationState> _progress;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Lock _gate = new();
    private OperationState _state;
    private OperationState? _told;
    private long? _written;
    private bool _unsettled;
    private bool _lost;
    private bool _closed;

    internal OperationRun(OperationRuns runs, string id, OperationRequest request, CachedRecord<OperationState>? known, bool cancellable)
    {
        _runs = runs;
        Id = id;
        Request = request;
        var before = known?.Record;
        _written = known?.ModRevision;
        IsResumed = before?.Phase == OperationPhase.Running;
        _state = OperationProgress.Started(before, runs.Time.GetUtcNow(), cancellable) with { Host = runs.HostId };
        Cancelled = _cancel.Token;
        if (request.CancelRequested) _cancel.Cancel();
        _progress = new ThrottledStatus<OperationState>(OperationProgress.Compare, WriteProgressAsync, runs.Time, runs.Logger);
        _progress.Offer(_state);
    }

    public string Id { get; }

    public OperationRequest Request { get; }

    /// <summary>It was under way when the daemon ended: look for the effects of <see cref="OperationState.Steps"/> before doing anything.</summary>
    public bool IsResumed { get; }

    /// <summary>Fires when somebody asks for the end of this operation.</summary>
    public CancellationToken Cancelled { get; }

    public OperationState State
    {
        get
        {
            lock (_gate) return _state;
        }
    }

    /// <summary>Says how far it is; written at most every 2 s.</summary>
    /// <param name="percent">0–100; null when it cannot be told.</param>
    /// <param name="message">What it is doing now, in words.</param>
    public void Report(int? percent, string message) => Advance(state => OperationProgress.Reported(state, percent, message));

    /// <summary>Says how far what it sends has come, besides.</summary>
    public void Report(int? percent, string message, OperationTransfer? transfer) =>
        Advance(state => OperationProgress.Reported(state, percent, message) with { Transfer = transfer ?? state.Transfer });

    /// <summary>Adds a line to the log; the last 200 are kept. No secrets.</summary>
    public void Log(string line) => Advance(state => OperationProgress.Logged(state, line));

    /// <summary>From here on it can (or can no longer) be cancelled.</summary>
    public void SetCancellable(bool cancellable) => Advance(state => state with { Cancellable = cancellable });

    /// <summary>Which VM's epoch and run it works on (decision 17).</summary>
    public void SetRun(long epoch, long run) => Advance(state => state with { Epoch = epoch, Run = run });

    /// <summary>True when the step was recorded, now or before the daemon's last end.</summary>
    public bool HasBegun(string step) => State.Steps.Contains(step);

    /// <summary>
    /// Records a step that must not happen twice, before it starts: returns only when that is durable. After a restart
    /// <see cref="HasBegun"/> says so, and the executor looks for the effect instead of repeating the step.
    /// </summary>
    public async Task StepAsync(string step, CancellationToken cancellationToken = default)
    {
        if (HasBegun(step)) throw new InvalidOperationException($"The step '{step}' of operation {Id} was begun already and must not be repeated.");
        Advance(state => OperationProgress.StepBegun(state, step));
        await WriteAsync("operation.step", cancellationToken);
        if (_lost) throw new OperationLostException(Id);
    }

    /// <summary>Ends the operation, in one transaction with <paramref name="change"/>.</summary>
    /// <param name="outcome">How it ended.</param>
    /// <param name="change">What belongs to the end: status, events. Null: nothing else.</param>
    /// <param name="cancellationToken">Gives up before the commit.</param>
    /// <returns>When the change's requirements did not hold, nothing was written and the operation goes on: decide anew.</returns>
    public async Task<CommitResult> EndAsync(OperationOutcome outcome, StoreChange? change = null, CancellationToken cancellationToken = default)
    {
        // Held over the commit: progress under way would otherwise be written after the end.
        await _writing.WaitAsync(cancellationToken);
        try
        {
            if (_unsettled) await WriteStateAsync("operation.progress", cancellationToken);
            var ended = OperationProgress.Ended(State, outcome, _runs.Time.GetUtcNow());
            change = Follow(change ?? new StoreChange("operation.end")).Put(Keys.Operations.State, Id, ended);
            if (outcome.Phase != OperationPhase.Succeeded) foreach (string claim in Request.Claims) change.Delete(claim);
            var result = await change.CommitAsync(_runs.Store, _runs.Time, cancellationToken);
            if (!result.Succeeded)
            {
                See(result);
                return result;
            }

            lock (_gate) _state = ended;
            await _runs.CloseAsync(this, result.Revision);
            return result;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Lets go of it; without an end before, the next start of the daemon takes it up.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
        }

        await _progress.DisposeAsync();
        _runs.Close(this);
    }

    /// <summary>Called when the request says so; the executor hears of it by <see cref="Cancelled"/>.</summary>
    internal void Cancel() => _ = _cancel.CancelAsync();

    private void Advance(Func<OperationState, OperationState> step)
    {
        lock (_gate)
        {
            if (_closed || _lost || _state.IsEnded()) return;
            _state = step(_state);
            _progress.Offer(_state);
        }
    }

    private Task WriteProgressAsync(OperationState state, CancellationToken cancellationToken) =>
        WriteAsync("operation.progress", cancellationToken);

    /// <summary>One write at a time, always of the newest state: an older one never follows a newer one.</summary>
    private async Task WriteAsync(string label, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            await WriteStateAsync(label, cancellationToken);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Nothing when a step has told it already.</summary>
    private async Task WriteStateAsync(string label, CancellationToken cancellationToken)
    {
        while (!_lost && !State.IsEnded() && !ReferenceEquals(State, _told))
        {
            try
            {
                var state = State;
                var attempt = Follow(new StoreChange(label)).Put(Keys.Operations.State, Id, state);
                var result = await attempt.CommitAsync(_runs.Store, _runs.Time, cancellationToken);
                _unsettled = false;
                if (result.Succeeded) (_told, _written) = (state, result.Revision);
                else if (See(result)) continue;
                return;
            }
            catch (StoreOutcomeUnknownException)
            {
                // The next write tells by its refusal.
                _unsettled = true;
                throw;
            }
        }
    }

    /// <summary>
    /// The state must be the one that this run wrote last: of two hosts that take an operation for theirs, one goes on. What only this host wrote, and did not
    /// hear the outcome of, counts as its own.
    /// </summary>
    private StoreChange Follow(StoreChange change) =>
        _written is { } revision ? change.Require(Keys.Operations.State[Id], revision) : change.RequireAbsent(Keys.Operations.State[Id]);

    /// <summary>Learns from a refusal. False: another host has the operation, which is let go; or the refusal was for something else.</summary>
    private bool See(CommitResult refused)
    {
        if (refused.ConflictAt(Keys.Operations.State[Id]) is not { } conflict) return false;
        if (conflict.Current is { } current && RecordJson.Read(current, Keys.Operations.State) is var found && found.Host == _runs.HostId && !((OperationState?)found).IsEnded())
        {
            _written = current.ModRevision;
            return true;
        }

        lock (_gate) _lost = true;
        Cancel();
        return false;
    }
}

/// <summary>Another host has the operation in hand: this one must do nothing more for it.</summary>
internal sealed class OperationLostException(string id) : InvalidOperationException($"Operation {id} is carried out by another host.");
