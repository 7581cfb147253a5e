using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;

namespace Lamina.Server.Cluster;

/// <summary>Writes what a host's start has settled: that there is a cluster, and where this host is reached.</summary>
internal sealed class ClusterRecords(ClusterParts parts, Membership membership)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Returns when it stands in the store.</summary>
    public async Task EnsureAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                if (await TryAsync(cancellation)) return;
            }
            catch (IOException)
            {
                // The store is away: tried again.
            }

            await Task.Delay(Pause, parts.Time, cancellation);
        }
    }

    private async Task<bool> TryAsync(CancellationToken cancellation)
    {
        var snapshot = parts.Cache.Snapshot;
        var spec = snapshot.Get(Keys.Hosts.Spec, parts.Host.Id);
        if (spec is null) return false;
        var change = new StoreChange("cluster.records");
        bool any = false;
        if (snapshot.Get(Keys.Cluster, "") is null)
        {
            any = true;
            change.Create(Keys.Cluster, "", new ClusterSpec { Id = membership.ClusterId, Name = membership.ClusterName, CreatedAt = parts.Time.GetUtcNow() });
        }

        var addresses = Addresses.Of(parts.Instance, membership.Address);
        if (spec.Record.Addresses is not { } former || former with { Unknown = null } != addresses)
        {
            any = true;
            change.Update(Keys.Hosts.Spec, parts.Host.Id, spec.Record with { Addresses = addresses }, spec.ModRevision);
        }

        if (membership.Untold is { } untold)
        {
            any = true;
            parts.Events.Add(change, new EventDraft
            {
                Kind = "cluster.turned",
                Severity = EventSeverity.Warning,
                Message = $"Host '{parts.Host.Name}' {untold}",
                Target = new ObjectReference { Kind = "host", Id = parts.Host.Id, Name = parts.Host.Name },
            });
        }

        return !any || (await change.CommitAsync(parts.Store, parts.Time, cancellation)).Succeeded;
    }
}
