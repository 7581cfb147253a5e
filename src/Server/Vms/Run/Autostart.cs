using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Vms.Run;

/// <summary>A VM whose turn comes after a boot of the host.</summary>
internal sealed record AutostartTurn(string VmId, TimeSpan DelayAfter);

/// <summary>Brings back, one after the other, the VMs that a boot of the host has ended and that are marked for it.</summary>
internal sealed class Autostart(VmHost host, Action<string, VmMessage> post)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var turn in Plan(host.Cache.Snapshot, host.HostId, host.BootId))
            {
                post(turn.VmId, new VmMessage.AutostartDue());
                post(turn.VmId, new VmMessage.Look());
                await Task.Delay(turn.DelayAfter, host.Time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon ends; the next start goes on, since the others still say that the boot has ended them.
        }
    }

    /// <summary>Whose turn it is, in order (pure): what the last boot has ended, whether or not that is written down yet.</summary>
    public static IReadOnlyList<AutostartTurn> Plan(CacheSnapshot snapshot, string hostId, string bootId) =>
    [
        .. snapshot.All(Keys.Vms.Assignment)
            .Where(assignment => assignment.Record.Host == hostId && WasEndedByBoot(snapshot.Get(Keys.Vms.Status, assignment.Id)?.Record, bootId))
            .Select(assignment => (assignment.Id, Spec: snapshot.Get(Keys.Vms.Spec, assignment.Id)?.Record))
            .Where(vm => vm.Spec is { Autostart.Enabled: true, Template: false })
            .OrderBy(vm => vm.Spec!.Autostart!.Order)
            .ThenBy(vm => vm.Spec!.Name, StringComparer.Ordinal)
            .Select(vm => new AutostartTurn(vm.Id, TimeSpan.FromSeconds(vm.Spec!.Autostart!.DelaySeconds))),
    ];

    private static bool WasEndedByBoot(VmStatus? status, string bootId) => status switch
    {
        null or { State: VmState.Suspended } => false,
        { State: VmState.Stopped } => status.StopCause == StopCause.HostBoot,
        _ => status.HostBootId != bootId,
    };
}
