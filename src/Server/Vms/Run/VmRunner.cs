using System.Threading.Channels;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// Drives one VM on this host: a mailbox and one loop, no locks. What comes in is remembered, then the plan is asked for the next step, one step is
/// carried out at a time, and its end comes in as one more message; so the mailbox goes on taking orders meanwhile, and an order that makes
/// the step in flight pointless cancels it.
/// </summary>
internal sealed partial class VmRunner : IAsyncDisposable
{
    private readonly VmHost _host;
    private readonly string _id;
    private readonly ILogger _logger;
    private readonly Channel<VmMessage> _mailbox = Channel.CreateUnbounded<VmMessage>(new UnboundedChannelOptions { SingleReader = true });
    private readonly VmMemory _memory;
    private readonly VmCommits _commits;
    private readonly VmSteps _steps;
    private readonly VmErrands _errands;
    private readonly VmTasks _tasks;
    private readonly VmLoans _loans;
    private readonly VmLender _lender;
    private readonly VmHolds _holds = new();
    private bool _isAway;
    private bool _inFlightYields;
    private readonly CancellationTokenSource _stop = new();
    private readonly VmPauses _pauses;
    private Task _loop = Task.CompletedTask;
    private VmStep? _inFlight;
    private string? _inFlightOrder;
    private CancellationTokenSource? _cancel;
    private Task _step = Task.CompletedTask;
    private volatile IVm? _running;

    public VmRunner(VmHost host, string id)
    {
        _host = host;
        _id = id;
        _logger = host.Loggers.CreateLogger<VmRunner>();
        _memory = new VmMemory(host.Time);
        _commits = new VmCommits(host, id);
        _steps = new VmSteps(host, id, _commits, new VmStarter(host, id, _commits, Post, _logger), _logger);
        _errands = new VmErrands(host, Post);
        _tasks = new VmTasks(host, Post);
        _loans = new VmLoans(Post);
        _lender = new VmLender(host, id, _commits);
        _pauses = new VmPauses(host.Time, () => Post(new VmMessage.Look()));
    }

    /// <summary>The process, for consoles, exec and reads; null: none.</summary>
    public IVm? Running => _running;

    /// <summary>A process to which the guest was to come, and which has not run it.</summary>
    public bool IsArriving => _running?.Definition.MigratesIn == true;

    /// <summary>From any thread; never waits.</summary>
    public void Post(VmMessage message) => _mailbox.Writer.TryWrite(message);

    /// <summary>Gives it a process that was found running. Called by others before <see cref="Start"/> only.</summary>
    public void TakeUp(VmWatch watch)
    {
        _memory.Adopt(watch);
        _running = watch.Vm;
    }

    /// <summary>Begins; what was posted before is taken in first.</summary>
    public void Start() => _loop = Task.Run(LoopAsync);

    /// <summary>Lets go of the VM; its guest runs on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _mailbox.Writer.TryComplete();
        await _loop;
        if (_cancel is { } cancel) await cancel.CancelAsync();
        await _step;
        _loans.FailAll(new OperationCanceledException("The daemon stops."));
        _holds.FailAll(new OperationCanceledException("The daemon stops."));
        await _pauses.DisposeAsync();
        await _tasks.DisposeAsync();
        await _errands.DisposeAsync();
        if (_memory.Watch is { } watch) await watch.DisposeAsync();
        _stop.Dispose();
        _cancel?.Dispose();
    }

    private async Task LoopAsync()
    {
        _memory.Load(_commits.Read());
        while (!_stop.IsCancellationRequested && await _mailbox.Reader.WaitToReadAsync())
        {
            while (_mailbox.Reader.TryRead(out var message)) Take(message);
            try
            {
                Advance();
            }
            catch (Exception failure)
            {
                // A fault of ours must not end the runner: the VM would be without a hand until the next start.
                LogFault(_logger, _id, failure);
                _pauses.Again(VmPauses.AfterFault);
            }
        }
    }

    private void Take(VmMessage message)
    {
        switch (message)
        {
            case VmMessage.Attached attached:
                TakeUp(attached.Watch);
                break;
            case VmMessage.FoundDead dead:
                _memory.FoundDead(dead.Definition);
                break;
            case VmMessage.Told told:
                _holds.Hear(told);
                _memory.Hear(told);
                _running = _memory.Watch?.Vm;
                break;
            case VmMessage.Observed observed:
                _memory.Hear(observed);
                break;
            case VmMessage.RoomAgain:
                _memory.RoomAgain();
                break;
            case VmMessage.Asked asked:
                _errands.Add(asked);
                break;
            case VmMessage.Borrow borrow:
                _loans.Add(borrow.Loan);
                break;
            case VmMessage.Hold hold:
                _holds.Add(hold.Wanted);
                break;
            case VmMessage.Dropped dropped:
                _memory.Drop(dropped.Watch);
                _running = _memory.Watch?.Vm;
                break;
            case VmMessage.StepEnded ended:
                Conclude(ended.Result);
                break;
            case VmMessage.AutostartDue:
                _memory.AutostartNow();
                break;
            case VmMessage.HostStopping stopping:
                _memory.HostStop = stopping.Stop;
                break;
            case VmMessage.CutPower cut:
                CutPower(cut);
                break;
        }
    }

    private void Advance()
    {
        var snapshot = _host.Cache.Snapshot;
        if (IsHeld(snapshot))
        {
            Hold();
            return;
        }

        if (_inFlight is null && RecoveryHold.Holds(snapshot, _host.HostId, _id, hasProcess: _memory.Watch is not null))
        {
            // The ruling comes with another status.
            _isAway = true;
            return;
        }

        var wanted = VmWantedReader.Read(snapshot, _id, _host.HostId, _memory.Committed?.Status.Served);
        if (wanted is not null) wanted = _errands.Sort(Returned(wanted), snapshot);
        else Leave();
        if (_inFlight is { } step)
        {
            if (wanted is not null && VmInFlight.IsPointless(step, wanted, _inFlightYields)) _cancel?.Cancel();
            return;
        }

        if (_pauses.IsTooEarly()) return;
        if (_memory.Unsettled is { } unsettled) Begin(new VmStep.Rest(), (step, token) => _commits.SettleAsync(step, unsettled, token));
        else if (wanted is null) EndOutlived(snapshot);
        else if (_memory.IsCertain) Follow(wanted, snapshot);
    }

    /// <summary>It is between two hosts: its hand alone acts, on either of them.</summary>
    private bool IsHeld(CacheSnapshot snapshot)
    {
        if (_holds.Any) return true;
        if (snapshot.Get(Keys.Vms.Handover, _id)?.Record is not { } handover) return false;
        if (handover.From == _host.HostId) return true;
        // What has come, and is this host's by its own word, is in its plan's hands.
        return handover.To == _host.HostId && snapshot.Get(Keys.Vms.Status, _id)?.Record.Epoch != handover.Epoch + 1;
    }

    private void Hold()
    {
        if (_inFlight is not null || _pauses.IsTooEarly()) return;
        if (_memory.Unsettled is { } unsettled) Begin(new VmStep.Rest(), (step, token) => _commits.SettleAsync(step, unsettled, token));
        else if (_memory.IsCertain && _holds.Begin() is { } hold)
        {
            var vm = new HeldVm(_host, _id, _memory.Watch, _memory.Remains?.Definition, _commits, Post);
            hold.Vm = vm;
            Begin(new VmStep.HandOver(), (step, _) => HandOverAsync(step, hold, vm));
        }
    }

    private async Task<VmStepResult> HandOverAsync(VmStep step, VmHold hold, HeldVm vm)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(hold.Stopping, _stop.Token);
        try
        {
            await hold.Hand.RunAsync(vm, either.Token);
            hold.Succeed();
        }
        catch (Exception failure)
        {
            hold.Fail(failure);
        }

        return new VmStepResult(step) { Committed = vm.Committed };
    }

    /// <summary>It is another host's, or nobody's.</summary>
    private void Leave()
    {
        _loans.FailAll(VmFailures.NotHere(_id));
        if (_inFlight is not null || _isAway) return;
        _isAway = true;
        _errands.LetGo();
        _tasks.End();
    }

    /// <summary>What is left of its time here goes: the remains of a process, or one that lives and that the VM has outlived.</summary>
    private void EndOutlived(CacheSnapshot snapshot)
    {
        if (Release() || _memory.Watch is not { } watch || snapshot.Get(Keys.Vms.Assignment, _id) is not { } owner) return;
        if (VmOutlived.IsOver(owner.Record, _host.HostId, watch.Vm.Epoch)) Begin(new VmStep.End(), (step, token) => _steps.EndOutlivedAsync(step, watch, owner, token));
    }

    /// <summary>It has come back from another host: what was last known of it here is of another time.</summary>
    private VmWanted Returned(VmWanted wanted)
    {
        if (!_isAway || _inFlight is not null) return wanted;
        _isAway = false;
        _memory.Load(_commits.Read());
        return VmWantedReader.Read(_host.Cache.Snapshot, _id, _host.HostId, _memory.Committed?.Status.Served) ?? wanted;
    }

    private void Follow(VmWanted wanted, CacheSnapshot snapshot)
    {
        wanted = _loans.Sort(wanted, _memory.Committed?.Status.Job?.Operation, snapshot);
        _memory.Expect(wanted.Changes);
        var seen = _memory.See(
            _host.BootId,
            wanted.Order?.Operation,
            _host.Resources.AreDisksReady(wanted.Spec, snapshot),
            Differences(wanted.Spec),
            VmStrays.Of(snapshot, _id, wanted.Spec, _memory.Watch?.Vm.Definition));
        _tasks.Keep(_memory.Watch, wanted.Spec, seen.Status);
        var next = VmPlan.Next(wanted, seen, _host.Time.GetUtcNow());
        // How a run ended is written first: until then, what it left lets the next start of the daemon learn of it.
        if (next is not VmStep.Write && Release()) return;
        if (next is VmStep.Rest rest)
        {
            if (rest.For is { } time) _pauses.Again(time);
            return;
        }

        var context = new VmStepContext
        {
            Wanted = wanted,
            Committed = _memory.Committed,
            Watch = _memory.Watch,
            Operation = _errands.InHand(VmInFlight.OperationOf(next, wanted)),
        };
        _inFlightOrder = wanted.Order?.Operation;
        if (next is VmStep.Lend lend)
        {
            var loan = _loans.Take(lend.Operation);
            _inFlightYields = loan.Job.YieldsToOrders;
            Begin(next, (_, token) => _lender.LendAsync(lend, loan, context, token));
            return;
        }

        Begin(next, (step, token) => _steps.DoAsync(step, context, token));
    }

    private IReadOnlyList<VmDifference> Differences(VmSpec spec) => _memory.Watch is not { } watch ? []
        : VmDifferences.Of(spec, watch.Vm.Definition, _host.Resources.FactsOf(spec, _memory.Lost));

    /// <summary>Gives back what a dead process held, if there is such.</summary>
    private bool Release()
    {
        if (_memory.Remains is not { } remains) return false;
        Begin(new VmStep.Rest(), (step, _) => _steps.ReleaseAsync(step, remains));
        return true;
    }

    private void Begin(VmStep step, Func<VmStep, CancellationToken, Task<VmStepResult>> work)
    {
        _inFlight = step;
        _cancel?.Dispose();
        _cancel = new CancellationTokenSource();
        var token = _cancel.Token;
        _step = Task.Run(async () => Post(new VmMessage.StepEnded(await work(step, token))), CancellationToken.None);
    }

    private void Conclude(VmStepResult result)
    {
        _inFlight = null;
        if (result.Step is VmStep.HandOver)
        {
            _holds.Conclude();
            _isAway = true;
        }

        _memory.Conclude(result, _inFlightOrder);
        _running = _memory.Watch?.Vm;
        if (result.Overtaken) _memory.Load(_commits.Read());
        if (result.Step is VmStep.Reset reset) _errands.Forget(reset.Operation);
        if (result.Step is VmStep.RefuseReset refused) _errands.Forget(refused.Operation);
        if (result.Step is VmStep.EndChange { Operation: var ended } && !result.StoreAway) _errands.Forget(ended);
        _pauses.Heard(result.StoreAway);
    }

    /// <summary>Without a store nothing else can be done for the VM; with one, an order is the way.</summary>
    private void CutPower(VmMessage.CutPower cut)
    {
        if (_memory.Watch is not { } watch)
        {
            cut.Done.TrySetResult();
            return;
        }

        _memory.Cut();
        _ = Task.Run(async () =>
        {
            try
            {
                await watch.Vm.KillAsync(CancellationToken.None);
                cut.Done.TrySetResult();
            }
            catch (Exception failure)
            {
                cut.Done.TrySetException(failure);
            }
        });
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The runner of VM {Vm} has met a fault of its own")]
    private static partial void LogFault(ILogger logger, string vm, Exception failure);
}
