using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Operations;

namespace Lamina.Server.Networks;

/// <summary>Deletes networks: first everything on the host, a card's addresses first of all, then the records.</summary>
internal sealed class NetworkDeletion(HostNetworks networks, Cache cache, EventLog events)
{
    public const string Kind = "network.delete";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public void Register(OperationExecutor executor) => executor.Register(Kind, DeleteAsync, cancellable: false, AfterRestart.Resume);

    /// <summary>Every VM that can have a card here stands in the snapshot that holds the request: a later one is refused by the network's new revision.</summary>
    private async Task DeleteAsync(OperationRun run, CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        if (snapshot.Get(Keys.Networks.Spec, run.Request.Target.Id) is not { } network) return;
        run.Report(null, "taking it off the host");
        Exception? refusal = NetworkRules.RefuseDelete(network, snapshot);
        if ((refusal ?? (await networks.ApplyAsync(cancellation)).GetValueOrDefault(network.Id)) is { } failure)
        {
            var back = new StoreChange("network.keep").Update(Keys.Networks.Spec, network.Id, network.Record with { Deleting = null }, network.ModRevision);
            await run.EndAsync(OperationOutcome.Failed(failure), back, cancellation);
            return;
        }

        var change = new StoreChange("network.delete")
            .DeletePrefix(Keys.Networks.All(network.Id))
            .Delete(Keys.Names[Keys.NameId(network.Record.Project, "network", network.Record.Name)]);
        NetworkNumbers.Release(change, network.Record);
        events.Add(change, new EventDraft
        {
            Kind = "network.deleted",
            Message = $"Network '{network.Record.Name}' was deleted.",
            Target = run.Request.Target,
            Project = network.Record.Project,
            Operation = run.Id,
        });
        var result = await run.EndAsync(OperationOutcome.Succeeded, change, cancellation);
        await cache.WaitForRevisionAsync(result.Revision, Patience, cancellation);
        await networks.SweepAsync(cancellation);
    }
}
