using System.Security.Cryptography;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Linux.Host;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>The joining host's part: looks at itself, asks the cluster, and only when nothing at all stands against it changes anything: first what can be taken back, then one rename.</summary>
internal sealed class Joining(ClusterParts parts)
{
    /// <param name="join">As asked for.</param>
    /// <param name="token">What it was given.</param>
    /// <param name="snapshot">Of the host's own store.</param>
    /// <param name="beforeSwitch">The last write into the host's own store; given the cluster's name.</param>
    /// <param name="cancellation">Ends it, before the switch.</param>
    /// <exception cref="InputException">All that stands against it.</exception>
    /// <exception cref="ProblemException">The cluster does not answer.</exception>
    public async Task<ClusterJoined> RunAsync(ClusterJoin join, JoinToken token, CacheSnapshot snapshot, Func<string, Task> beforeSwitch, CancellationToken cancellation)
    {
        var request = new JoinRequest(token, parts.Time);
        var (member, seen) = await request.FindAsync(cancellation);
        string address = join.Address is null ? seen : ClusterRoom.OwnAddress(join.Address);
        var facts = Facts(join, token, address, snapshot);
        var verdict = await request.CheckAsync(member, facts, cancellation);
        Refuse([.. verdict.Misfits, .. OwnMisfits()]);
        var joined = new ClusterJoined { Cluster = verdict.Cluster, CaFingerprint = token.Ca };
        if (join.DryRun) return joined;
        var grant = await request.JoinAsync(member, facts, cancellation);
        await beforeSwitch(grant.ClusterName);
        Switch(grant, address, join.Witness);
        return joined;
    }

    private void Switch(JoinGrant grant, string address, bool witness)
    {
        SecretFiles.Stage(parts.Instance, grant);
        new Membership { ClusterId = grant.ClusterId, ClusterName = grant.ClusterName, Address = address, Endpoints = grant.Endpoints, External = grant.External, Witness = witness }.Write(parts.Instance);
        StoreChoice.UseEtcd(parts.Instance.StoreDirectory, grant.StoreId);
    }

    private JoinFacts Facts(ClusterJoin join, JoinToken token, string address, CacheSnapshot snapshot) => new()
    {
        TokenId = token.Id,
        Secret = token.Secret,
        HostId = parts.Host.Id,
        HostName = parts.Host.Name,
        Version = BuildInformation.Version,
        Addresses = Addresses.Of(parts.Instance, address),
        Witness = join.Witness,
        Clock = parts.Time.GetUtcNow(),
        Nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
        CpuFlags = [.. CpuFacts.Read().Flags.Order(StringComparer.Ordinal)],
        Objects = [.. OwnObjects.In(snapshot)],
    };

    private static IEnumerable<Failure> OwnMisfits()
    {
        if (EtcdServer.IsInstalled) yield break;
        var missing = EtcdServer.NotInstalled();
        yield return new Failure { Code = missing.Code, Message = missing.Message, Remedy = missing.Remedy };
    }

    private static void Refuse(IReadOnlyList<Failure> misfits)
    {
        var problems = new InputProblems();
        foreach (var misfit in misfits) problems.Add("$", misfit.Code, $"{misfit.Message} {misfit.Remedy}");
        problems.ThrowIfAny();
    }
}

/// <summary>What a host has made beyond what its first start makes (pure): a cluster that it joins would not know it.</summary>
internal static class OwnObjects
{
    private const string Default = "default";

    public static IEnumerable<string> In(CacheSnapshot snapshot) =>
    [
        .. snapshot.All(Keys.Vms.Spec).Select(vm => $"vm {vm.Record.Name}"),
        .. snapshot.All(Keys.Disks.Spec).Select(disk => $"disk {disk.Record.Name}"),
        .. snapshot.All(Keys.Images.Spec).Select(image => $"image {image.Record.Name}"),
        .. snapshot.All(Keys.Isos.Spec).Select(iso => $"iso {iso.Record.Name}"),
        .. snapshot.All(Keys.Pools.Spec).Where(pool => pool.Record.Name != Default).Select(pool => $"pool {pool.Record.Name}"),
        .. snapshot.All(Keys.Networks.Spec).Where(network => network.Record.Name != Default).Select(network => $"network {network.Record.Name}"),
    ];
}
