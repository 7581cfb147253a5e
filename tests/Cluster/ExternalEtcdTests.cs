using System.Security.Cryptography.X509Certificates;
using Lamina.Api;
using Lamina.Linux.Processes;
using Lamina.Server.Auth;

namespace Lamina.Tests.Cluster;

/// <summary>A cluster whose store is an etcd that was there already.</summary>
public sealed class ExternalEtcdTests
{
    [Fact]
    public async Task AnEtcdThatIsThereAlreadyKeepsTheState()
    {
        await using var bed = await ClusterBed.StartAsync(2);
        var (first, second) = (bed.Hosts[0], bed.Hosts[1]);
        string ca = Path.Combine(bed.Shared, "ca.pem"), own = Path.Combine(bed.Shared, "own.pem"), url = $"https://{first.Address}:2379";
        Certify(ca, own, first.Address);
        using var etcd = first.Network.Run(() => ChildProcess.Spawn(new ChildSpec
        {
            Program = "etcd",
            Arguments =
            [
                $"--data-dir={Path.Combine(bed.Folder, "external")}", $"--listen-client-urls={url}", $"--advertise-client-urls={url}", "--client-cert-auth",
                $"--trusted-ca-file={ca}", $"--cert-file={own}", $"--key-file={own}", $"--listen-peer-urls=http://{first.Address}:2380",
                $"--initial-advertise-peer-urls=http://{first.Address}:2380", $"--initial-cluster=default=http://{first.Address}:2380",
            ],
        }));
        try
        {
            string[] init = ["cluster", "init", "--name", "dc1", "--etcd", url, "--etcd-ca", ca, "--etcd-certificate", own, "--etcd-key", own];
            await Eventually.BecomesAsync(async _ => (await first.TryLaminaAsync(init)).Status == 0 || (await first.Client.Cluster.GetAsync(CancellationToken.None)).IsCluster, "etcd serves, and the host moves its state there");
            await bed.JoinAsync(second);
            await second.Client.Projects.CreateAsync(new Project { Name = "one" }, TestContext.Current.CancellationToken);

            var status = await second.Client.Cluster.GetAsync(TestContext.Current.CancellationToken);
            Assert.Equal(["host1", "host2"], status.Members.Select(member => member.Name));
            Assert.Contains(status.Notes, note => note.Contains("Lamina does not look after", StringComparison.Ordinal));
            Assert.Null(first.EtcdProcessId);
            Assert.Null(second.EtcdProcessId);
        }
        finally
        {
            await bed.Hosts[0].EndAsync();
            await bed.Hosts[1].EndAsync();
            etcd.Send(Signal.Kill);
            await etcd.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static void Certify(string caFile, string ownFile, string address)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var ca = Certificates.CreateCa("somebody's CA", now);
        using var own = Certificates.CreateHost(ca, "etcd", [address], now);
        using var key = own.GetECDsaPrivateKey()!;
        File.WriteAllText(caFile, ca.ExportCertificatePem());
        File.WriteAllText(ownFile, $"{own.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
    }
}
