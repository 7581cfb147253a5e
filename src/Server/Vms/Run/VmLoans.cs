using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>The jobs that wait for one VM, in their order. Touched by the runner's loop only.</summary>
internal sealed class VmLoans(Action<VmMessage> post)
{
    private readonly List<VmLoan> _waiting = [];

    public void Add(VmLoan loan)
    {
        _waiting.Add(loan);
        loan.Cancellation.Register(() => post(new VmMessage.Look()));
    }

    /// <summary>Adds the job whose turn it is, and what became of the one on record. One that the VM cannot serve any more is told so.</summary>
    public VmWanted Sort(VmWanted wanted, string? onRecord, CacheSnapshot snapshot)
    {
        foreach (var loan in _waiting.Where(loan => loan.Cancellation.IsCancellationRequested && loan.Job.Operation.Id != onRecord).ToList())
        {
            _waiting.Remove(loan);
            loan.Cancel();
        }

        if (wanted.Spec.Deleting is not null) FailAll(VmFailures.BeingDeleted(wanted.Spec.Name));
        // One that had the VM when the daemon ended comes first: it alone may clear its permit.
        var next = _waiting.Find(loan => loan.Job.Operation.Id == onRecord) ?? (onRecord is null ? _waiting.FirstOrDefault() : null);
        return wanted with
        {
            Job = next is null ? null : new VmJobRequest(next.Job.Operation.Id, next.Job.Kind),
            IsJobLost = onRecord is not null && next is null && IsOver(onRecord, snapshot),
        };
    }

    public VmLoan Take(string operation)
    {
        var loan = _waiting.First(loan => loan.Job.Operation.Id == operation);
        _waiting.Remove(loan);
        return loan;
    }

    public void FailAll(Exception failure)
    {
        foreach (var loan in _waiting) loan.Fail(failure);
        _waiting.Clear();
    }

    private static bool IsOver(string operation, CacheSnapshot snapshot) =>
        snapshot.Get(Keys.Operations.Request, operation) is null || snapshot.Get(Keys.Operations.State, operation)?.Record.IsEnded() == true;
}
