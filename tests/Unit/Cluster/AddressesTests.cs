using Lamina.Api;
using Lamina.Server.Cluster;
using Lamina.Server.Control;

namespace Lamina.Tests.Unit.Cluster;

/// <summary>Where members of a cluster answer.</summary>
public sealed class AddressesTests
{
    /// <summary>A token made in the moment after <c>cluster init</c> named no address, since that was not on record yet.</summary>
    [Fact]
    public void AHostNamesItsOwnAddressAlsoBeforeItIsOnRecord()
    {
        var own = new HostAddresses { Api = "10.0.0.1:7443", Peer = "10.0.0.1:7444", Migration = "10.0.0.1" };
        var unknown = With(("one", null), ("two", "10.0.0.2:7444"), ("three", null));
        Assert.Equal(["10.0.0.1:7444", "10.0.0.2:7444"], Addresses.Peers(unknown, "one", own));
        var known = With(("two", "10.0.0.2:7444"), ("one", "10.0.0.1:7444"));
        Assert.Equal(["10.0.0.1:7444", "10.0.0.2:7444"], Addresses.Peers(known, "one", own));
    }

    private static CacheSnapshot With(params (string Host, string? Peer)[] hosts) => CacheSnapshot.Empty(Keys.Cached).With(1,
    [
        .. from host in hosts
           let addresses = host.Peer is null ? null : new HostAddresses { Api = "", Peer = host.Peer, Migration = "" }
           select new CacheChange(Keys.Hosts.Spec, host.Host, null, new CachedRecord<HostSpec>(host.Host, new HostSpec { Name = host.Host, Addresses = addresses }, 1, 1)),
    ]);
}
