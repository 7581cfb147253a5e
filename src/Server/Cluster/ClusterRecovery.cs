using System.Globalization;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;

namespace Lamina.Server.Cluster;

/// <summary>
/// <c>laminad cluster-recover</c>: when the majority of the voters is lost for good, this voter's copy becomes the store, of which it is the only voter then, in another
/// generation: whatever was begun before is refused (decision 19). A person vouches that the others never come back with theirs.
/// </summary>
internal static class ClusterRecovery
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <param name="instance">Held by the caller: no daemon runs.</param>
    /// <param name="time">The clock.</param>
    /// <param name="output">For people.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ProblemException">This host keeps no copy.</exception>
    public static async Task RunAsync(Instance instance, TimeProvider time, TextWriter output, CancellationToken cancellation)
    {
        var membership = Membership.Read(instance);
        using var etcd = new EtcdServer(instance, HostIdentity.Open(instance.DataDirectory).Id, time);
        if (membership?.EtcdMember is null || !etcd.HasData) throw new ProblemException(
            ProblemKind.Conflict, "cluster.noCopy", "This host keeps no copy of a cluster's store.", "Do this on a host that 'lamina cluster status' has shown as a voter.");
        await etcd.StopAsync(cancellation);
        etcd.Run(membership, alone: true);
        var own = membership with { Endpoints = [Addresses.EtcdClient(Addresses.Of(instance, membership.Address))] };
        var member = await WaitAsync(instance, own, etcd, time, cancellation);
        long generation = await RaiseAsync(instance, own, time, cancellation);
        await etcd.StopAsync(cancellation);
        (own with { EtcdMember = member.Id, EtcdStarted = true }).Write(instance);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"This host alone keeps the store now, in generation {generation}. Start laminad; then, for each host that is lost: lamina host remove HOST --dead"));
    }

    private static async Task<EtcdMember> WaitAsync(Instance instance, Membership own, EtcdServer etcd, TimeProvider time, CancellationToken cancellation)
    {
        using var certificate = TlsIdentity.LoadHost(HostCertificate.FileIn(instance.SecretsDirectory));
        using var admin = new EtcdAdmin(() => own.Endpoints, () => certificate, await File.ReadAllTextAsync(HostCertificate.CaFileIn(instance.SecretsDirectory), cancellation));
        using var patience = new CancellationTokenSource(Patience, time);
        while (true)
        {
            try
            {
                return (await admin.MembersAsync(cancellation)).Single();
            }
            catch (EtcdAdminException) when (etcd.IsRunning && !patience.IsCancellationRequested)
            {
                await Task.Delay(Pause, time, cancellation);
            }
        }
    }

    /// <summary>From now on nothing counts that was decided on the former state.</summary>
    private static async Task<long> RaiseAsync(Instance instance, Membership own, TimeProvider time, CancellationToken cancellation)
    {
        await using var store = await EtcdStore.OpenAsync(StoreChoice.Access(instance, own), time, cancellation);
        var generation = await StoreGeneration.EnsureAsync(store, time, cancellation);
        var change = new StoreChange("store.generation").Update(Keys.Generation, "", new GenerationRecord { Number = generation.Number + 1 }, generation.Revision);
        if (!(await change.CommitAsync(store, time, cancellation)).Succeeded) throw new InvalidOperationException("somebody else writes into a store that this host keeps alone");
        return generation.Number + 1;
    }
}
