using System.Diagnostics.CodeAnalysis;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Store;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// The operations that name one VM, in the hands of its runner: the one being served, resets that wait, and those that a later request has
/// overtaken, which are ended as such. Touched by the runner's loop only.
/// </summary>
internal sealed class VmErrands(VmHost host, Action<VmMessage> post) : IAsyncDisposable
{
    private readonly Dictionary<string, string> _asked = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OperationRun> _inHand = new(StringComparer.Ordinal);
    private Task _ending = Task.CompletedTask;

    public void Add(VmMessage.Asked asked) => _asked[asked.Operation] = asked.Kind;

    public void Forget(string operation)
    {
        _asked.Remove(operation);
        if (_inHand.Remove(operation, out var run)) _ending = EndAsync(_ending, run.DisposeAsync);
    }

    /// <summary>The operation as its executor holds it; null: it has ended, or is lost, or another executor has it.</summary>
    public OperationRun? InHand(string? operation) => operation is null ? null : _inHand.GetValueOrDefault(operation);

    /// <summary>Takes in hand what is to be done now, ends what was overtaken, and adds the reset that waits.</summary>
    public VmWanted Sort(VmWanted wanted, CacheSnapshot snapshot)
    {
        foreach (var (operation, kind) in _asked.ToList())
        {
            if (snapshot.Get(Keys.Operations.State, operation)?.Record.IsEnded() == true || snapshot.Get(Keys.Operations.Request, operation) is null) Forget(operation);
            else if (!IsCurrent(operation, kind, wanted)) Overtaken(operation, wanted);
        }

        Take(wanted.Order?.Operation, wanted, snapshot);
        Take(wanted.Spec.Deleting, wanted, snapshot);
        string? reset = _asked.FirstOrDefault(asked => asked.Value == VmOperations.Reset).Key;
        Take(reset, wanted, snapshot);
        var order = wanted.Order is { } asked && InHand(asked.Operation) is { } run ? asked with { CancelRequested = asked.CancelRequested || run.Cancelled.IsCancellationRequested } : wanted.Order;
        return wanted with { Order = order, Reset = reset, Changes = Changes(wanted, snapshot) };
    }

    private List<ChangeOrder> Changes(VmWanted wanted, CacheSnapshot snapshot)
    {
        var changes = new List<ChangeOrder>();
        foreach (string operation in _asked.Where(asked => asked.Value == VmOperations.Change).Select(asked => asked.Key).Order(StringComparer.Ordinal).ToList())
        {
            Take(operation, wanted, snapshot);
            if (InHand(operation) is { } run) changes.Add(VmWantedReader.ChangeOf(operation, run.Request, run.Cancelled.IsCancellationRequested));
        }

        return changes;
    }

    /// <summary>Lets go of everything: another executor ends it.</summary>
    public void LetGo()
    {
        foreach (var run in _inHand.Values) _ending = EndAsync(_ending, run.DisposeAsync);
        _inHand.Clear();
        _asked.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        LetGo();
        await _ending;
    }

    private static bool IsCurrent(string operation, string kind, VmWanted wanted) =>
        kind is VmOperations.Reset or VmOperations.Change ? wanted.Spec.Deleting is null : operation == wanted.Spec.Power.Request ? wanted.Spec.Deleting is null : operation == wanted.Spec.Deleting;

    private void Take(string? operation, VmWanted wanted, CacheSnapshot snapshot)
    {
        if (operation is null || _inHand.ContainsKey(operation)) return;
        string kind = snapshot.Get(Keys.Operations.Request, operation)?.Record.Kind ?? "";
        if (host.Operations.Begin(operation, VmOperations.IsCancellable(kind)) is not { } run) return;
        _inHand[operation] = run;
        _asked.TryAdd(operation, kind);
        run.Cancelled.Register(() => post(new VmMessage.Look()));
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "The run is disposed with its end.")]
    private void Overtaken(string operation, VmWanted wanted)
    {
        _asked.Remove(operation);
        if (!_inHand.Remove(operation, out var run)) run = host.Operations.Begin(operation);
        if (run is null) return;
        string by = wanted.Spec.Deleting ?? wanted.Spec.Power.Request ?? "";
        _ending = EndAsync(_ending, async () =>
        {
            await run.EndAsync(OperationOutcome.Failed(VmFailures.Superseded(wanted.Spec.Name, by)));
            await run.DisposeAsync();
        });
    }

    /// <summary>One after the other; an end that the store did not take is taken up by the next start of the daemon.</summary>
    private static async Task EndAsync(Task before, Func<ValueTask> end)
    {
        await before;
        try
        {
            await end();
        }
        catch (Exception away) when (away is StoreUnavailableException or StoreOutcomeUnknownException or OperationCanceledException)
        {
            return;
        }
    }
}
