using Lamina.Linux;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Host;
using Lamina.Linux.Processes;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Networks;
using Lamina.Server.Vms.Recovery;
using Lamina.Server.Pools;

namespace Lamina.Server.Doctor;

/// <summary>Collects the facts of this host; reads only, runs nothing.</summary>
internal sealed class DoctorCollector(Instance instance, LocalHost host, TlsIdentity tls, Cache cache, Sweeper sweeper, HostNetworks networks, TimeProvider time)
{
    public DoctorFacts Collect()
    {
        var snapshot = cache.Snapshot;
        return new DoctorFacts
        {
            Now = time.GetUtcNow(),
            Host = snapshot.Get(Keys.Hosts.Status, host.Id)?.Record,
            HasUefi = host.Capabilities is { } capabilities ? capabilities.Uefi is not null : null,
            HasSecureBoot = host.Capabilities is { } known ? known.SecureUefi is not null : null,
            Programs = DoctorChecks.Programs.ToDictionary(program => program.Program, program => Programs.Find(program.Program)),
            Cgroups = CgroupSupport.Read(),
            Pools = [.. snapshot.All(Keys.Pools.Spec).Select(pool => new PoolFacts(pool.Record.Name, pool.Record, PoolHosts.StatusOf(snapshot, pool), PoolHosts.HangsOn(snapshot, pool, host.Id)))],
            Networks = [.. snapshot.All(Keys.Networks.Spec).Select(network => new NetworkFacts(network.Record.Name, NetworkStatuses.Of(snapshot, network.Id)))],
            HostNetworks = networks.ReadFacts(snapshot),
            StoreIsStale = cache.IsStale,
            Recovery = RecoveryViews.Of(snapshot),
            ClockIsSynchronized = ClockState(),
            Sweeps = sweeper.LastReports,
            HasLocalGroup = LocalSocket.HasGroup(),
            CertificateEnds = tls.ServerCertificateEnds,
            CaEnds = tls.CaEnds,
            OwnCertificateEnds = tls.Own?.Certificate.NotAfter,
            FirstPasswordFile = Path.Join(instance.DataDirectory, FirstAdmin.PasswordFile) is var file && File.Exists(file) ? file : null,
        };
    }

    private static bool? ClockState()
    {
        try
        {
            return ClockFacts.IsSynchronized();
        }
        catch (LinuxException)
        {
            // A container may forbid the call.
            return null;
        }
    }
}
