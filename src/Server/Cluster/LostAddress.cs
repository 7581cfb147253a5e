namespace Lamina.Server.Cluster;

/// <summary>
/// A daemon that began while its address was not there (the network came later, or another address) listens nowhere for the others. It begins anew as soon as the address is there.
/// </summary>
internal sealed class LostAddress(HostVoter voter, DaemonRestart restart, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly bool _isLost = !voter.Membership.IsThere(HostAddressRules.Own());

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!_isLost) await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        while (!voter.Membership.IsThere(HostAddressRules.Own())) await Task.Delay(Interval, time, cancellationToken);
        restart.Ask();
        await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
    }
}
