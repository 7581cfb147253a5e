using System.Net;
using Lamina.Api;
using Lamina.Linux.Network;
using Lamina.Testing.Bed;

namespace Lamina.Tests.Cluster;

/// <summary>A member gets another address: the others find it there, or it stays where it was.</summary>
public sealed class AddressTests
{
    private const string Another = "10.91.0.42";
    private const string Moved = "10.91.0.44";
    private const string Lost = "10.91.0.43";
    private const string Unroutable = "10.99.0.1";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Length", "long")]
    public async Task AVoterIsReachedElsewhereAndOneWhoseNewAddressGoesStaysWhereItWas()
    {
        await using var bed = await ClusterBed.StartClusterAsync(3);
        var (first, second, third) = (bed.Hosts[0], bed.Hosts[1], bed.Hosts[2]);
        Add(second, Another, 24);
        Add(second, Unroutable, 32);

        Assert.Contains("no address of this host", (await second.TryLaminaAsync("cluster", "address", Another + "9")).Error, StringComparison.Ordinal);
        var unreached = await second.TryLaminaAsync("cluster", "address", Unroutable);
        Assert.Contains("'host1' does not reach this host", unreached.Error, StringComparison.Ordinal);
        Assert.Contains("'host3' does not reach this host", unreached.Error, StringComparison.Ordinal);
        Assert.Equal(second.Address, await AddressOfAsync(first, "host2"));

        await second.LaminaAsync("cluster", "address", Another);
        Assert.Equal(Another, await AddressOfAsync(first, "host2"));
        Remove(second, second.Address, 24);
        await first.KillAsync();
        await first.KillEtcdAsync();
        await third.Client.Projects.CreateAsync(new Project { Name = "one" }, Cancellation);
        await first.StartAsync();

        // The daemon dies while it tries, and the address is gone when it begins anew.
        Add(third, Lost, 24);
        var asked = third.TryLaminaAsync("cluster", "address", Lost);
        await Eventually.BecomesAsync(_ => Task.FromResult(File.ReadAllText(third.Instance.MembershipFile).Contains(Lost, StringComparison.Ordinal)), "the address is being tried");
        await third.KillAsync();
        Remove(third, Lost, 24);
        await third.StartAsync();
        await asked;
        var status = await third.Client.Cluster.GetAsync(Cancellation);
        Assert.Contains("no address of this host any more", status.AddressChange!.Problem!, StringComparison.Ordinal);
        await Eventually.BecomesAsync(async _ => await AddressOfAsync(second, "host3") == third.Address, "the third host is where it was");
        await third.Client.Projects.CreateAsync(new Project { Name = "two" }, Cancellation);

        // Its address is gone before anybody has said so: while its daemon runs, and while it does not.
        Move(second, from: Another, to: Moved);
        await second.LaminaAsync("cluster", "address", Moved);
        Assert.Equal(Moved, await AddressOfAsync(first, "host2"));
        await third.KillAsync();
        await third.KillEtcdAsync();
        Move(third, from: third.Address, to: Lost);
        await third.StartAsync();
        Assert.Contains((await third.Client.Cluster.GetAsync(Cancellation)).Notes, note => note.Contains($"{third.Address} is gone from the machine", StringComparison.Ordinal));
        await third.LaminaAsync("cluster", "address", Lost);
        Assert.Equal(Lost, await AddressOfAsync(first, "host3"));
        await first.KillAsync();
        await first.KillEtcdAsync();
        await second.Client.Projects.CreateAsync(new Project { Name = "three" }, Cancellation);
    }

    private static void Move(BedHost host, string from, string to)
    {
        Add(host, to, 24);
        Remove(host, from, 24);
    }

    private static async Task<string> AddressOfAsync(BedHost asked, string host) =>
        (await asked.Client.Cluster.GetAsync(Cancellation)).Members.Single(member => member.Name == host).Addresses.Peer.Split(':')[0];

    private static void Add(BedHost host, string address, int prefix) => host.Network.Run(() =>
    {
        using var netlink = new Netlink();
        netlink.AddAddress(BedHost.Link, IPAddress.Parse(address), prefix);
    });

    /// <summary>Others of the same subnet stay.</summary>
    private static void Remove(BedHost host, string address, int prefix) => host.Network.Run(() =>
    {
        Sysctl.Set("net/ipv4/conf/all/promote_secondaries", "1");
        using var netlink = new Netlink();
        netlink.RemoveAddress(BedHost.Link, IPAddress.Parse(address), prefix);
    });
}
