using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Testing.Checker;

namespace Lamina.Testing.Bed;

/// <summary>What happens while a host is emptied.</summary>
internal enum EvacuationFault
{
    None,
    Cancel,
    KillOwnDaemon,
    KillLeader,
    KillOtherDaemon,
}

/// <summary>What became of a host that was emptied and filled again.</summary>
internal sealed record EvacuationResult
{
    public required EvacuationFault Fault { get; init; }

    public required string Host { get; init; }

    /// <summary>Guests that were there.</summary>
    public required int Guests { get; init; }

    /// <summary>Of the entry.</summary>
    public OperationPhase? Entered { get; init; }

    /// <summary>Guests that have left, by the end of the entry.</summary>
    public int Left { get; init; }

    /// <summary>Of the exit; null: the entry was cancelled, and there was none.</summary>
    public OperationPhase? Exited { get; init; }

    /// <summary>Guests that were there again at the end.</summary>
    public int Back { get; init; }

    /// <summary>What is wrong; null: all is right.</summary>
    public string? Wrong { get; init; }
}

/// <summary>Empties a host for maintenance while something happens, and lets the maintenance end; checker guests judge.</summary>
internal sealed class BedEvacuation(ClusterBed bed, BedGuests guests, TimeSpan patience)
{
    /// <param name="host">Which is to be emptied.</param>
    /// <param name="vms">All checker guests, at rest.</param>
    /// <param name="fault">What happens.</param>
    /// <param name="after">After so long.</param>
    /// <param name="hold">A daemon that dies is dead for so long.</param>
    /// <param name="cancellation">Before it begins.</param>
    public async Task<EvacuationResult> RunAsync(BedHost host, IReadOnlyList<Vm> vms, EvacuationFault fault, TimeSpan after, TimeSpan hold, CancellationToken cancellation)
    {
        var there = vms.Where(vm => guests.ProcessesOf(vm.Id).Single().Host == host).ToList();
        var runs = vms.ToDictionary(vm => vm.Id, vm => guests.Listener.Of(vm.Name).Runs.Count);
        var result = new EvacuationResult { Fault = fault, Host = host.Name, Guests = there.Count };
        try
        {
            var entry = await AskAsync(host, new HostMaintenanceRequest { Action = HostMaintenanceAction.Enter, WithStorage = true }, cancellation);
            await Task.Delay(after, CancellationToken.None);
            await HappenAsync(fault, host, entry, hold);
            result = result with { Entered = (await guests.EndOfAsync(entry, patience)).State!.Phase };
            await AllRestAsync();
            result = result with { Left = there.Count - CountOn(host) };
            if (result.Entered == OperationPhase.Succeeded && result.Left != there.Count) return result with { Wrong = "it is said to be empty, and is not" };
            bool isClosed = (await guests.AskAsync(client => client.Hosts.GetAsync(host.Name, cancellation))).Value.Spec.Maintenance is not null;
            if (isClosed == (result.Entered == OperationPhase.Cancelled)) return result with { Wrong = $"the entry has ended as {result.Entered}, and the host {(isClosed ? "takes no VMs" : "takes VMs")}" };
            if (!isClosed) return result with { Back = CountOn(host) };
            var exit = await AskAsync(host, new HostMaintenanceRequest { Action = HostMaintenanceAction.Exit }, cancellation);
            result = result with { Exited = (await guests.EndOfAsync(exit, patience)).State!.Phase };
            await AllRestAsync();
            result = result with { Back = CountOn(host) };
            return result.Exited == OperationPhase.Succeeded && result.Back == there.Count ? result : result with { Wrong = "not all have come back" };
        }
        catch (Exception wrong) when (wrong is TimeoutException or OperationCanceledException or CheckerException)
        {
            return result with { Wrong = wrong.Message };
        }

        async Task AllRestAsync() => await Task.WhenAll(vms.Select(vm => guests.RestsAsync(vm, runs[vm.Id], patience)));
        int CountOn(BedHost where) => there.Count(vm => guests.ProcessesOf(vm.Id).Single().Host == where);
    }

    private Task<Operation> AskAsync(BedHost host, HostMaintenanceRequest request, CancellationToken cancellation) =>
        guests.AskAsync(client => client.Hosts.MaintainAsync(host.Name, request, cancellation));

    private async Task HappenAsync(EvacuationFault fault, BedHost host, Operation entry, TimeSpan hold)
    {
        switch (fault)
        {
            case EvacuationFault.Cancel:
                try
                {
                    await guests.AskAsync(client => client.Operations.CancelAsync(entry.Id, CancellationToken.None));
                }
                catch (LaminaException)
                {
                    // It has ended before.
                }

                break;
            case EvacuationFault.KillOwnDaemon:
                await DieAsync(host, hold);
                break;
            case EvacuationFault.KillOtherDaemon:
                await DieAsync(bed.Hosts.First(other => other != host), hold);
                break;
            case EvacuationFault.KillLeader:
                string? leader = (await guests.AskAsync(client => client.Cluster.GetAsync(CancellationToken.None))).Members.FirstOrDefault(member => member.Leader)?.Name;
                if (leader is not null) await DieAsync(bed.Hosts.Single(other => other.Name == leader), hold);
                break;
        }
    }

    private static async Task DieAsync(BedHost host, TimeSpan hold)
    {
        await host.KillAsync();
        await Task.Delay(hold, CancellationToken.None);
        await host.StartAsync();
    }
}
