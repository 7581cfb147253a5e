namespace Lamina.Server.Vms.Run;

/// <summary>The hand that has a VM, and the one that waits until that lets go. Touched by the VM's runner only.</summary>
internal sealed class VmHolds
{
    private VmHold? _held;
    private VmHold? _waiting;

    public bool Any => _held is not null || _waiting is not null;

    public void Add(VmHold hold)
    {
        _waiting?.Fail(new InvalidOperationException("Another hand waits for the VM."));
        _waiting = hold;
    }

    /// <summary>The one that waits gets the VM, which no other has; null: none waits any more.</summary>
    public VmHold? Begin()
    {
        var next = _waiting;
        _waiting = null;
        return _held = next?.TryBegin() == true ? next : null;
    }

    /// <summary>It has let go.</summary>
    public void Conclude() => _held = null;

    public void Hear(VmMessage.Told told) => _held?.Vm?.Hear(told);

    public void FailAll(Exception why)
    {
        _held?.Fail(why);
        _waiting?.Fail(why);
    }
}
