using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Store;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms.Recovery;

/// <summary>What a person sees of a recovery, and says where records cannot.</summary>
internal sealed class RecoveryEndpoints(HostVms vms, IStore store, EventLog events, TimeProvider time)
{
    public void Map(ApiRoutes api)
    {
        api.Get("/v1/cluster/recovery", Permission.Administer, "Shows what became of the guests since the store was recovered", request =>
                ApiAnswer.Ok(RecoveryViews.Of(request.Snapshot), ApiJson.Default.ClusterRecovery))
            .Answers(ApiJson.Default.ClusterRecovery).InstallationWide();
        api.Post("/v1/hosts/{host}/guests/{vm}/stop", Permission.Administer, "Cuts the power of a guest that no VM on record owns, or that runs on two hosts, since the store was recovered", StopAsync)
            .AnswersNothing().InstallationWide().OnHost(HostEndpoints.HostOf).Problems("host.notFound", "guest.notFound");
    }

    /// <summary>The report goes last: until then the guest is shown, and can be asked for again.</summary>
    private async ValueTask<ApiAnswer> StopAsync(ApiRequest request)
    {
        var host = request.Snapshot.FindInstalled(Keys.Hosts.Spec, "host", request.Route("host"));
        string id = Keys.Hosts.GuestId(host.Id, request.Route("vm"));
        var guest = request.Snapshot.Get(Keys.Hosts.Guests, id) ?? throw new ProblemException(
            ProblemKind.NotFound, "guest.notFound", $"Host '{host.Record.Name}' has reported no guest {request.Route("vm")} on which nothing has followed.", "See: lamina cluster recovery show");
        var target = new ObjectReference { Kind = "vm", Id = request.Route("vm"), Name = guest.Record.Name };
        var change = new StoreChange("guest.stop").Require(Keys.Hosts.Guests[id], guest.ModRevision);
        events.Add(change, new EventDraft
        {
            Kind = "guest.stopped",
            Severity = EventSeverity.Warning,
            Message = $"{request.Caller.Subject} has the guest '{guest.Record.Name}' on host '{host.Record.Name}' ended, which was found there when the store was recovered.",
            Target = target,
        });
        var answer = await request.CommitAsync(change, ApiAnswer.NoContent(), target);
        await vms.CutPowerAsync(request.Route("vm"));
        await new StoreChange("guest.stopped").Delete(Keys.Hosts.Guests[id]).CommitAsync(store, time, CancellationToken.None);
        return answer;
    }
}

/// <summary>A recovery as people see it (pure).</summary>
internal static class RecoveryViews
{
    private const int Most = 1000;

    public static ClusterRecovery Of(CacheSnapshot snapshot)
    {
        if (RecoveryReader.Of(snapshot) is not { } reader) return new ClusterRecovery();
        RecoveringVm[] waiting =
        [
            .. from vm in snapshot.All(Keys.Vms.Spec)
               let why = WhyOf(snapshot, RecoveryPlan.Rule(reader.Read(vm.Id)))
               where why is not null
               orderby vm.Record.Name, vm.Id
               select new RecoveringVm { Id = vm.Id, Name = vm.Record.Name, Project = vm.Record.Project, Why = why },
        ];
        return new ClusterRecovery
        {
            IsRecovered = true,
            Generation = reader.Recovery.Generation,
            At = reader.Recovery.At,
            Host = snapshot.HostName(reader.Recovery.Host),
            Snapshot = reader.Recovery.Snapshot,
            SilentHosts = [.. reader.Unknown.Select(snapshot.HostName)],
            WaitingVms = waiting.Length,
            Waiting = [.. waiting.Take(Most)],
            Orphans =
            [
                .. reader.Orphans.Select(guest => new OrphanGuest { Host = snapshot.HostName(RecoveryReader.HostOf(guest.Id)), Vm = RecoveryReader.VmOf(guest.Id), Name = guest.Record.Name })
                    .OrderBy(guest => guest.Host, StringComparer.Ordinal).ThenBy(guest => guest.Name, StringComparer.Ordinal),
            ],
        };
    }

    /// <summary>Null: it waits for nothing but the leader.</summary>
    private static string? WhyOf(CacheSnapshot snapshot, RecoveryRuling? ruling) => ruling switch
    {
        RecoveryRuling.Wait wait => $"It may run on {Names(snapshot, wait.Hosts)}, which has not told. Start that host's daemon; or, if it is dead: lamina host remove HOST --dead.",
        RecoveryRuling.Ask ask => $"It runs on {Names(snapshot, ask.Hosts)} at once. End one of them: lamina cluster recovery stop HOST VM.",
        _ => null,
    };

    private static string Names(CacheSnapshot snapshot, IReadOnlyList<string> hosts) => string.Join(", ", hosts.Select(snapshot.HostName));
}
