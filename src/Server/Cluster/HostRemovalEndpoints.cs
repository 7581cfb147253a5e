using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Http;

namespace Lamina.Server.Cluster;

/// <summary><c>DELETE /v1/hosts/{host}</c>: takes a host out of the cluster, for good.</summary>
internal sealed class HostRemovalEndpoints(EventLog events, TimeProvider time)
{
    public void Map(ApiRoutes api) => api
        .Delete("/v1/hosts/{host}", Permission.Administer, "Takes a host out of the cluster; its identity never comes back", RemoveAsync)
        .Query("dead", "true: a person's word that it is off and will never come back; it is not waited for.")
        .AnswersNothing().InstallationWide().Problems("host.notFound", "host.onlyOne", "host.hasVms", "host.lastVoter", "host.alive", "host.silent");

    private async ValueTask<ApiAnswer> RemoveAsync(ApiRequest request)
    {
        var host = request.Snapshot.FindInstalled(Keys.Hosts.Spec, "host", request.Route("host"));
        bool dead = request.QueryFlag("dead");
        HostRemovalRules.Require(request.Snapshot, host, dead);
        var target = new ObjectReference { Kind = "host", Id = host.Id, Name = host.Record.Name };
        var change = new StoreChange("host.remove")
            .Require(Keys.Hosts.Spec[host.Id], host.ModRevision)
            .Create(Keys.RemovedHosts, host.Id, new RemovedHost
            {
                Name = host.Record.Name,
                RemovedAt = time.GetUtcNow(),
                Dead = dead,
                SerialNumbers = request.Snapshot.Get(Keys.Hosts.Certificate, host.Id)?.Record.SerialNumbers ?? [],
            })
            .DeletePrefix(Keys.Hosts.All(host.Id))
            .Delete(Keys.Names[Keys.NameId(Lookup.Installation, "host", host.Record.Name)]);
        string how = dead ? $" {request.Caller.Subject} has said that it is dead." : "";
        events.Add(change, new EventDraft { Kind = "host.removed", Message = $"Host '{host.Record.Name}' was removed from the cluster.{how}", Target = target });
        return await request.CommitAsync(change, ApiAnswer.NoContent(), target);
    }
}

/// <summary>When a host may be taken out of its cluster (pure).</summary>
internal static class HostRemovalRules
{
    /// <exception cref="ProblemException">Why not, and what to do.</exception>
    public static void Require(CacheSnapshot snapshot, CachedRecord<HostSpec> host, bool dead)
    {
        string name = host.Record.Name;
        bool live = HostPresence.IsLive(snapshot, host.Id);
        if (snapshot.All(Keys.Hosts.Spec).Count() == 1) throw ProblemException.Conflict("host.onlyOne", $"'{name}' is the only host.", "There is no cluster without it.");
        if (dead && live) throw ProblemException.Conflict("host.alive", $"'{name}' is not dead: it renews its lease.", $"Empty it, then: lamina host remove {name}");
        if (!dead && !live) throw ProblemException.Conflict("host.silent", $"'{name}' is silent, and nobody can tell here whether it still runs guests.", $"Make sure that it is off and stays off, then: lamina host remove {name} --dead");
        string[] vms = [.. VmsOn(snapshot, host.Id)];
        if (vms.Length > 0) throw ProblemException.Conflict(
            "host.hasVms", $"'{name}' has {vms.Length} VM{(vms.Length == 1 ? "" : "s")}: {string.Join(", ", vms.Take(10))}{(vms.Length > 10 ? ", …" : "")}.",
            dead ? $"Give them to other hosts first, on your word that it is dead: lamina vm take-over VM --from {name}" : $"Move them away first: lamina host evacuate {name}");
        string[] voters = [.. snapshot.All(Keys.Hosts.Voter).Where(voter => voter.Record is { Member: not null, IsLearner: false }).Select(voter => voter.Id)];
        if (voters is [var only] && only == host.Id) throw ProblemException.Conflict(
            "host.lastVoter", $"'{name}' alone keeps the cluster's store.", "Let another host or a witness join first, and wait until 'lamina cluster status' shows three voters; or remove the others and keep this one.");
    }

    private static IEnumerable<string> VmsOn(CacheSnapshot snapshot, string hostId) => snapshot.All(Keys.Vms.Assignment)
        .Where(assignment => assignment.Record.Host == hostId)
        .Select(assignment => snapshot.Get(Keys.Vms.Spec, assignment.Id)?.Record.Name ?? assignment.Id)
        .Order(StringComparer.Ordinal);
}
