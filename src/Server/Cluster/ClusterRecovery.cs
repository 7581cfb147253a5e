using System.Globalization;
using System.Net;
using Lamina.Linux.Files;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Server.Cluster;

/// <summary>
/// <c>laminad cluster-recover</c>: when the majority of the voters is lost, what this voter has, or a snapshot of etcd, becomes the store, of which this host is the only
/// voter then: a new etcd, in another generation, so that neither members of the lost one nor what was begun with it can go on (decision 19). All is put back if it fails.
/// </summary>
internal sealed class ClusterRecovery(Instance instance, TimeProvider time, TextWriter output)
{
    private const string Aside = "etcd-before";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <param name="snapshot">File of a snapshot; null: what this host itself has.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ProblemException">It cannot be done; nothing is changed.</exception>
    public async Task RunAsync(string? snapshot, CancellationToken cancellation)
    {
        var membership = Require(snapshot);
        var identity = HostIdentity.Open(instance.DataDirectory);
        string[] names = [.. ConfigurationFiles.Read(instance.ConfigurationDirectory).Api?.Names ?? []];
        using var tls = TlsIdentity.Open(instance.SecretsDirectory, Dns.GetHostName(), time, () => ServerNames.Collect(names), NullLogger<TlsIdentity>.Instance);
        using var certificate = ClusterStart.CertificateOf(instance, identity.Id, membership, tls, names, time, NullLoggerFactory.Instance);
        using var etcd = new EtcdServer(instance, identity.Id, time);
        if (snapshot is null && !etcd.HasData) throw new ProblemException(
            ProblemKind.Conflict, "cluster.noCopy", "This host keeps no copy of a cluster's store.",
            "Do this on a host that 'lamina cluster status' has shown as a voter, or name a snapshot that one of them has made: laminad cluster-recover --snapshot FILE");
        await etcd.StopAsync(cancellation);
        string own = Addresses.EtcdPeer(Addresses.Of(instance, membership.Address));
        string restored = Path.Combine(instance.EtcdDirectory, ".tmp-restored");
        if (Directory.Exists(restored)) Directory.Delete(restored, recursive: true);
        Directory.CreateDirectory(instance.EtcdDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string file = snapshot ?? await CopyOwnAsync(membership, etcd, certificate, tls, cancellation);
        await new EtcdCopies(instance).RestoreAsync(file, identity.Id, own, restored, cancellation);
        if (snapshot is null) File.Delete(file);
        string aside = SetAside(instance, time);
        try
        {
            Directory.Move(restored, EtcdArguments.DataFolder(instance));
            var recovery = await PrepareAsync(membership, etcd, certificate, tls, snapshot, cancellation);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"This host alone keeps the store now, in generation {recovery.Generation}. Start laminad; then see: lamina cluster recovery show"));
        }
        catch
        {
            await etcd.StopAsync(CancellationToken.None);
            PutBack(aside);
            throw;
        }
    }

    /// <summary>Puts the data of this host's etcd aside: they may be the last copy of something.</summary>
    /// <returns>Where they are; there is nothing if there was none.</returns>
    internal static string SetAside(Instance instance, TimeProvider time)
    {
        string aside = Path.Combine(instance.DataDirectory, $"{Aside}-{time.GetUtcNow():yyyyMMdd-HHmmss}-{Guid.NewGuid().ToString("n")[..4]}");
        if (Directory.Exists(EtcdArguments.DataFolder(instance))) Directory.Move(EtcdArguments.DataFolder(instance), aside);
        DurableFile.SyncDirectory(instance.DataDirectory);
        return aside;
    }

    private Membership Require(string? snapshot)
    {
        if (snapshot is not null && !File.Exists(snapshot)) throw new ProblemException(
            ProblemKind.NotFound, "cluster.snapshotMissing", $"There is no file {snapshot}.", $"The daemon of each voter keeps snapshots in {instance.BackupDirectory}.");
        var membership = Membership.Read(instance);
        if (membership is null || !StoreFolder.IsEtcd(instance.StoreDirectory)) throw new ProblemException(
            ProblemKind.Conflict, "cluster.alone", "This host is no member of a cluster.", "Do this on a host that is one. A host of its own is restored by: laminad store restore FILE");
        if (membership.External is not null) throw new ProblemException(
            ProblemKind.Conflict, "cluster.external", "The store is an etcd that Lamina does not look after.", "Recover it by its own means.");
        return EtcdServer.IsInstalled ? membership : throw EtcdServer.NotInstalled();
    }

    /// <summary>The survivor is run once more, alone and for nobody else: what it has in its log is in the copy then, too.</summary>
    private async Task<string> CopyOwnAsync(Membership membership, EtcdServer etcd, HostCertificate certificate, TlsIdentity tls, CancellationToken cancellation)
    {
        string file = Path.Combine(instance.EtcdDirectory, "own.snapshot");
        try
        {
            etcd.Run(membership, EtcdManner.Survivor);
            await WaitAsync(etcd, certificate, tls, cancellation);
            await new EtcdCopies(instance).SaveAsync(file, cancellation);
            return file;
        }
        finally
        {
            await etcd.StopAsync(CancellationToken.None);
        }
    }

    private async Task<RecoveryRecord> PrepareAsync(Membership membership, EtcdServer etcd, HostCertificate certificate, TlsIdentity tls, string? snapshot, CancellationToken cancellation)
    {
        etcd.Run(membership, EtcdManner.Private);
        var member = await WaitAsync(etcd, certificate, tls, cancellation);
        var access = StoreChoice.Access(instance, membership) with { Endpoints = [EtcdArguments.PrivateClient(instance)] };
        string[] endpoints = [Addresses.EtcdClient(Addresses.Of(instance, membership.Address))];
        await using var store = await EtcdStore.OpenAsync(access, time, cancellation);
        var recovered = new RecoveredStore(store, certificate.HostId, time);
        await recovered.RequireAsync(membership.ClusterId, cancellation);
        long former = await recovered.GenerationAsync(cancellation);
        var recovery = RecoverySeal.Sign(tls, new RecoveryRecord
        {
            ClusterId = membership.ClusterId,
            Generation = Math.Max(former, StoreChoice.GenerationOf(instance.StoreDirectory)) + 1,
            Etcd = store.StoreId.Split('.')[0],
            Endpoints = endpoints,
            At = time.GetUtcNow(),
            Host = certificate.HostId,
            Snapshot = snapshot is null ? null : Path.GetFileName(snapshot),
        });
        await recovered.BeginAsync(recovery, member.Id, cancellation);
        await etcd.StopAsync(cancellation);
        (membership with
        {
            Endpoints = endpoints,
            EtcdMember = member.Id,
            EtcdInitialCluster = $"{certificate.HostId}={Addresses.EtcdPeer(Addresses.Of(instance, membership.Address))}",
            EtcdStarted = true,
            Recovery = recovery,
        }).Write(instance);
        StoreChoice.Switch(instance, recovery);
        return recovery;
    }

    private async Task<EtcdMember> WaitAsync(EtcdServer etcd, HostCertificate certificate, TlsIdentity tls, CancellationToken cancellation)
    {
        using var admin = new EtcdAdmin(() => [EtcdArguments.PrivateClient(instance)], () => certificate.Current, tls.CaPem);
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
            catch (EtcdAdminException failure)
            {
                throw new ProblemException(ProblemKind.Internal, "etcd.notStarted", $"etcd does not serve on this host: {failure.Message} {etcd.LastWords()}", $"Its log is {etcd.LogFile}.", failure);
            }
        }
    }

    private void PutBack(string aside)
    {
        string data = EtcdArguments.DataFolder(instance);
        if (Directory.Exists(data)) Directory.Delete(data, recursive: true);
        if (Directory.Exists(aside)) Directory.Move(aside, data);
        DurableFile.SyncDirectory(instance.DataDirectory);
    }
}
