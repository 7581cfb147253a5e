namespace Lamina.Server.Maintenance.Plan;

/// <summary>A VM that waits to go to another host.</summary>
/// <param name="Vm">Its id.</param>
/// <param name="From">Id of its host.</param>
/// <param name="To">Id of the host that it goes to.</param>
/// <param name="Bytes">What is to be sent at least: memory that is not zero, and disks that go along.</param>
/// <param name="DirtyBytesPerSecond">How fast its guest changes memory that was sent; 0: it does not run.</param>
internal sealed record Departure(string Vm, string From, string To, long Bytes, double DirtyBytesPerSecond);

/// <summary>A VM on its way.</summary>
/// <param name="Vm">Its id.</param>
/// <param name="From">Id of the host that sends.</param>
/// <param name="To">Id of the host that receives.</param>
/// <param name="BytesPerSecond">What it sends now; 0: it has not begun, or does not tell.</param>
/// <param name="RemainingBytes">What is left to send in this pass.</param>
/// <param name="IsSettled">It has sent for long enough that its rate says something, and is not about to end.</param>
internal sealed record Passage(string Vm, string From, string To, double BytesPerSecond, long RemainingBytes, bool IsSettled)
{
    /// <summary>A migration needs about so long to be made ready and to switch, in which it sends next to nothing.</summary>
    public static readonly TimeSpan Lead = TimeSpan.FromSeconds(1);

    /// <summary>It will not use the link for long: the next may be made ready.</summary>
    public bool IsEnding => BytesPerSecond > 0 && RemainingBytes / BytesPerSecond < Lead.TotalSeconds;
}
