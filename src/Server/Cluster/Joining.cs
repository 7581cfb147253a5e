using System.Security.Cryptography;
using System.Text.Json;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Cluster.Import;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>
/// The joining host's part: looks at itself, asks the cluster, and only when nothing at all stands against it changes anything: first what can be taken back, then one rename. What it had in its
/// own store is brought along by the next start (<see cref="Arriving"/>), for which the cluster keeps names and addresses meanwhile.
/// </summary>
internal sealed class Joining(ClusterParts parts)
{
    private static readonly TimeSpan EnginePatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan CachePatience = TimeSpan.FromSeconds(5);

    /// <param name="join">As asked for.</param>
    /// <param name="token">What it was given.</param>
    /// <param name="beforeSwitch">The last write into the host's own store; given the cluster's name.</param>
    /// <param name="cancellation">Ends it, before the switch.</param>
    /// <exception cref="InputException">All that stands against it.</exception>
    /// <exception cref="ProblemException">The cluster does not answer.</exception>
    public async Task<ClusterJoined> RunAsync(ClusterJoin join, JoinToken token, Func<string, Task> beforeSwitch, CancellationToken cancellation)
    {
        var request = new JoinRequest(token, parts.Time);
        var (member, seen) = await request.FindAsync(cancellation);
        string address = join.Address is null ? seen : ClusterRoom.OwnAddress(join.Address);
        var facts = await FactsAsync(join, token, address, cancellation);
        var verdict = await request.CheckAsync(member, facts, cancellation);
        Refuse([.. verdict.Misfits, .. OwnMisfits()]);
        var joined = new ClusterJoined { Cluster = verdict.Cluster, CaFingerprint = token.Ca, Notes = verdict.Notes };
        if (join.DryRun) return joined;
        new JoinAttempt { Token = token.ToString(), Member = member.ToString() }.Write(parts.Instance);
        try
        {
            var grant = await request.JoinAsync(member, facts, cancellation);
            await beforeSwitch(grant.ClusterName);
            await SwitchAsync(grant, facts, address, cancellation);
            return joined;
        }
        catch when (!StoreFolder.IsEtcd(parts.Instance.StoreDirectory))
        {
            await JoinWithdrawals.TryAsync(parts.Instance, parts.Host.Id, parts.Time, CancellationToken.None);
            throw;
        }
    }

    /// <summary>From the sealing on nothing changes here any more; had something changed since the cluster was asked, it would not know of it.</summary>
    private async Task SwitchAsync(JoinGrant grant, JoinFacts facts, string address, CancellationToken cancellation)
    {
        var store = (SqliteStore)parts.Store;
        await store.SealAsync(cancellation);
        try
        {
            await parts.Cache.WaitForRevisionAsync(store.Revision, CachePatience, cancellation);
            if (!IsSame(ImportManifest.Of(parts.Cache.Snapshot, parts.Host.Id), facts.Import)) throw new ProblemException(
                ProblemKind.Conflict, "cluster.changed", "Something was made or changed on this host while it was about to join.", "Try again, while nobody works on it.");
            SecretFiles.Stage(parts.Instance, grant);
            new Membership
            {
                ClusterId = grant.ClusterId,
                ClusterName = grant.ClusterName,
                Address = address,
                Endpoints = grant.Endpoints,
                External = grant.External,
                Witness = facts.Witness,
                Import = grant.Import,
            }.Write(parts.Instance);
            store.Switch(new StoreDescription(StoreDescription.Etcd, grant.StoreId));
        }
        catch
        {
            store.Unseal();
            if (StoreFolder.IsEtcd(parts.Instance.StoreDirectory)) throw;
            File.Delete(parts.Instance.MembershipFile);
            SecretFiles.Discard(parts.Instance);
            throw;
        }
    }

    private static bool IsSame(ImportManifest now, ImportManifest told) =>
        JsonSerializer.SerializeToUtf8Bytes(now, ClusterJson.Default.ImportManifest).AsSpan().SequenceEqual(JsonSerializer.SerializeToUtf8Bytes(told, ClusterJson.Default.ImportManifest));

    private async Task<JoinFacts> FactsAsync(ClusterJoin join, JoinToken token, string address, CancellationToken cancellation)
    {
        if (parts.Host.Capabilities is null && parts.Host.Failure is null)
            await ((Task)parts.Host.WaitForCapabilitiesAsync(cancellation)).WaitAsync(EnginePatience, parts.Time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
        var engine = parts.Host.Capabilities;
        return new JoinFacts
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
            CpuModels = [.. (engine?.CpuModels ?? []).Select(model => new JoinCpuModel(model.Name, model.UnavailableFeatures))],
            DefaultCpuModel = engine?.DefaultCpuModel,
            NoEngine = parts.Host.Failure?.Message,
            Import = ImportManifest.Of(parts.Cache.Snapshot, parts.Host.Id),
            Memory = parts.Cache.Snapshot.Get(Keys.Hosts.Spec, parts.Host.Id)?.Record.Memory,
        };
    }

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
