using Lamina.Api;
using Lamina.Server.Cluster.Import;
using Lamina.Server.Control;
using Lamina.Tests.Unit.Vms;

namespace Lamina.Tests.Unit.Cluster.Import;

/// <summary>What of a joining host clashes with what the cluster has, and what becomes of the rest.</summary>
public sealed class ImportPlanTests
{
    private const string Mac = "52:54:00:00:00:01";

    private static readonly ImportManifest Own = new()
    {
        Names =
        [
            new("default/vm/web1", "own-vm"), new("default/disk/web1-0", "own-disk"), new("-/pool/default", "own-pool"), new("default/network/default", "own-net"),
            new("default/image/debian/12", "own-image"), new("default/vm/only", "own-only"),
        ],
        Macs = [new(Mac, "own-vm")],
        Addresses = [new("own-net/192.168.200.10", "own-vm")],
        Networks = [new("own-net", Nat("default", "192.168.200.0/24"), IsUsed: true)],
        Projects = ["default", "lab"],
        Users = ["admin", "ann"],
    };

    [Fact]
    public void WhatTheClusterDoesNotHaveComesAlongAsItIs()
    {
        var plan = ImportPlan.Of(new TestSnapshots().Build(), Own, "two");
        Assert.Empty(plan.Clashes);
        Assert.Empty(plan.Mapping.Networks);
        Assert.Empty(plan.Mapping.Names);
        Assert.Equal(["default", "lab"], plan.Mapping.Projects);
        Assert.Equal(8, plan.Claims.Count);
    }

    [Fact]
    public void WhatPeopleAndGuestsKnowItByIsAClashAndAllOfThemAreTold()
    {
        var cluster = TestSnapshots.Installation().Vm("web1").Name("default", "disk", "web1-0", "their-disk")
            .Add(Keys.Macs, Mac, new Claim { Owner = "vm-web1" })
            .Add(Keys.Addresses, "net-1/192.168.200.10", new Claim { Owner = "vm-web1" });
        var plan = ImportPlan.Of(cluster.Build(), Own with { Unfinished = ["image.pull 42"] }, "two");
        Assert.Equal(
            ["cluster.addressTaken", "cluster.macTaken", "cluster.nameTaken", "cluster.nameTaken", "cluster.underWay"],
            plan.Clashes.Select(clash => clash.Code).Order(StringComparer.Ordinal));
        Assert.Contains(plan.Clashes, clash => clash.Remedy == "Rename one of the two: lamina vm rename web1 NEW");
        Assert.Contains(plan.Clashes, clash => clash.Remedy == "Rename one of the two: lamina disk rename web1-0 NEW");
        Assert.Contains(plan.Clashes, clash => clash.Message == "A card of vm web1 has the address 192.168.200.10, which a card of the cluster's vm web1 has in the same network.");
        Assert.All(plan.Clashes, clash => Assert.NotNull(clash.Remedy));
    }

    [Fact]
    public void WhatIsOnlyReferredToByItsIdGetsTheHostsName()
    {
        var plan = ImportPlan.Of(TestSnapshots.Installation().Build(), Own, "two");
        Assert.Empty(plan.Clashes);
        Assert.Equal(("default-two", "debian/12-two"), (plan.Mapping.Names["own-pool"], plan.Mapping.Names["own-image"]));
        Assert.Contains(plan.Claims, claim => claim is { Id: "default/image/debian/12-two", Owner: "own-image" });
        Assert.Equal(["default/image/debian/12-two"], ImportPlan.Of(TestSnapshots.Installation().Name("default", "image", "debian/12-two", "x").Build(), Own, "two")
            .Claims.Where(claim => claim.Owner == "own-image").Select(claim => claim.Id));
        Assert.Equal("cluster.nameTaken", Assert.Single(ImportPlan.Of(TestSnapshots.Installation().Name("default", "image", "debian/12-two", "x").Build(), Own, "two").Clashes).Code);
    }

    [Fact]
    public void ANetworkOfTheSameSubnetBecomesTheClustersAndItsAddressesToo()
    {
        var plan = ImportPlan.Of(TestSnapshots.Installation().Build(), Own, "two");
        Assert.Equal("net-1", plan.Mapping.Networks["own-net"]);
        Assert.Contains(plan.Claims, claim => claim is { Id: "net-1/192.168.200.10", Owner: "own-vm" });
        Assert.DoesNotContain(plan.Claims, claim => claim.Owner == "own-net");
        Assert.Contains("Cards in network default are in the cluster's network default from then on: it has the same subnet.", plan.Notes);
    }

    [Fact]
    public void ANetworkOfTheSameSubnetMustBeOfTheSameForm()
    {
        var own = Own with { Networks = [new("own-net", Nat("default", "192.168.200.0/24") with { Mtu = 9000, Ipv6Subnet = "fd00:1::/64" }, IsUsed: true)] };
        var clash = Assert.Single(ImportPlan.Of(TestSnapshots.Installation().Build(), own, "two").Clashes);
        Assert.Equal("cluster.networkDiffers", clash.Code);
        Assert.Contains("its MTU is 9000 and not 1450, its IPv6 network is fd00:1::/64 and not none", clash.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ADefaultNetworkOfAnotherSubnetComesAlongUnderTheHostsName()
    {
        var own = Own with { Networks = [new("own-net", Nat("default", "192.168.77.0/24"), IsUsed: true)] };
        var plan = ImportPlan.Of(TestSnapshots.Installation().Build(), own, "two");
        Assert.Empty(plan.Clashes);
        Assert.Empty(plan.Mapping.Networks);
        Assert.Equal("default-two", plan.Mapping.Names["own-net"]);
        Assert.Contains(plan.Claims, claim => claim is { Id: "own-net/192.168.200.10" });
    }

    [Fact]
    public void AnUnusedDefaultNetworkStaysBehind()
    {
        var own = Own with { Networks = [new("own-net", Nat("default", "192.168.77.0/24"), IsUsed: false)], Addresses = [] };
        var plan = ImportPlan.Of(TestSnapshots.Installation().Build(), own, "two");
        Assert.Equal("", plan.Mapping.Networks["own-net"]);
        Assert.DoesNotContain(plan.Claims, claim => claim.Owner == "own-net");
    }

    [Theory]
    [InlineData("lab", "192.168.0.0/16", "cluster.subnetTaken")]
    [InlineData("default", "192.168.0.0/16", "cluster.subnetTaken")]
    public void ANetworkInTheWayOfAnotherIsAClash(string name, string subnet, string code)
    {
        var own = new ImportManifest { Names = [new($"default/network/{name}", "own-net")], Networks = [new("own-net", Nat(name, subnet), IsUsed: true)] };
        Assert.Equal(code, Assert.Single(ImportPlan.Of(TestSnapshots.Installation().Build(), own, "two").Clashes).Code);
    }

    [Fact]
    public void ANetworkOfTheSameNameButOfAnotherSubnetIsAClash()
    {
        var own = new ImportManifest { Names = [new("default/network/lab", "own-net")], Networks = [new("own-net", Nat("lab", "10.1.0.0/24"), IsUsed: true)] };
        var cluster = TestSnapshots.Installation().Add(Keys.Networks.Spec, "net-2", Nat("lab", "10.2.0.0/24")).Name("default", "network", "lab", "net-2");
        Assert.Equal("cluster.nameTaken", Assert.Single(ImportPlan.Of(cluster.Build(), own, "two").Clashes).Code);
    }

    [Fact]
    public void ABridgeThatSomebodyElseMadeIsTheSameOneAndOneOfOursIsNot()
    {
        var cluster = TestSnapshots.Installation().Add(Keys.Networks.Spec, "net-2", Lan("br0", existing: true)).Add(Keys.Networks.Spec, "net-3", Lan("eth1", existing: false));
        Assert.Equal("net-2", ImportPlan.Of(cluster.Build(), Only(Lan("br0", existing: true)), "two").Mapping.Networks["own-net"]);
        Assert.Equal("cluster.deviceTaken", Assert.Single(ImportPlan.Of(cluster.Build(), Only(Lan("eth1", existing: false)), "two").Clashes).Code);
    }

    [Fact]
    public void PortsThatLeadElsewhereInTheClusterAreClashes()
    {
        var forward = new NetworkForward { Id = "f1", Port = 80, Vm = "own-vm", VmPort = 80 };
        var cluster = new TestSnapshots().Add(Keys.Networks.Spec, "net-1", Nat("default", "192.168.200.0/24") with { Forwards = [forward with { Id = "f2" }] });
        Assert.Equal("cluster.forwardTaken", Assert.Single(ImportPlan.Of(cluster.Build(), Only(Nat("default", "192.168.200.0/24") with { Forwards = [forward] }), "two").Clashes).Code);
    }

    [Fact]
    public void ACopiedDataFolderIsFoundByTheIdsOfItsObjects()
    {
        var own = new ImportManifest { Names = [new("default/vm/other", "vm-web1")] };
        Assert.Equal("cluster.sameObject", Assert.Single(ImportPlan.Of(TestSnapshots.Installation().Vm("web1").Build(), own, "two").Clashes).Code);
    }

    [Fact]
    public void ASharedPoolOfTheSameFolderIsAClash()
    {
        var cluster = new TestSnapshots().Add(Keys.Pools.Spec, "nfs", new PoolSpec { Name = "nfs", Path = "/mnt/nfs", Scope = PoolScope.Shared });
        Assert.Equal("cluster.poolTaken", Assert.Single(ImportPlan.Of(cluster.Build(), new ImportManifest { SharedPools = [new("store", "/mnt/nfs")] }, "two").Clashes).Code);
    }

    [Fact]
    public void ClaimsOfAnEarlierAttemptAreItsOwn()
    {
        var cluster = new TestSnapshots().Name("default", "vm", "web1", "own-vm").Add(Keys.Macs, Mac, new Claim { Owner = "own-vm", Joining = "host" });
        Assert.Empty(ImportPlan.Of(cluster.Build(), Own, "two").Clashes);
    }

    [Fact]
    public void UsersOfTheClusterKeepTheirPasswords()
    {
        var cluster = new TestSnapshots().Add(Keys.Users, "admin", new UserRecord { Name = "admin" });
        var plan = ImportPlan.Of(cluster.Build(), Own, "two");
        Assert.Equal(["ann"], plan.Mapping.Users);
        Assert.Contains("The user admin of the cluster keeps its password and rights.", plan.Notes);
    }

    private static ImportManifest Only(NetworkSpec network) => new() { Names = [new($"default/network/{network.Name}", "own-net")], Networks = [new("own-net", network, IsUsed: true)] };

    private static NetworkSpec Nat(string name, string subnet) => new() { Name = name, Subnet = subnet };

    private static NetworkSpec Lan(string device, bool existing) =>
        new() { Name = "lan-" + device, Kind = NetworkKind.Bridge, Bridge = new NetworkBridge { Device = device, Existing = existing } };
}
