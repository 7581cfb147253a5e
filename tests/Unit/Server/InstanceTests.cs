using System.Net;
using Lamina.Linux.Network;
using Lamina.Server;
using Lamina.Server.Networks;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Unit.Server;

public sealed class InstanceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly HashSet<int> _taken = [];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("A")]
    [InlineData("a/b")]
    [InlineData("a-name-of-twenty-one-c")]
    public void ABadNameIsRefused(string name) =>
        Assert.Equal("instance.name", Assert.Throws<ProblemException>(() => InstanceClaim.Derive(new InstanceOptions { Name = name })).Code);

    [Fact]
    public void ARunFolderTooLongForSocketsIsRefused()
    {
        var options = new InstanceOptions { Name = "t", RunDirectory = "/tmp/" + new string('r', 60) };
        var refused = Assert.Throws<ProblemException>(() => InstanceClaim.Derive(options));
        Assert.Equal("instance.runPath", refused.Code);
        Assert.Contains("characters shorter", refused.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void TheDefaultInstanceHasThePlainPaths()
    {
        var instance = InstanceClaim.Derive(new InstanceOptions());
        Assert.Equal(
            ("/etc/lamina", "/var/lib/lamina", "/run/lamina", "/var/log/lamina"),
            (instance.ConfigurationDirectory, instance.DataDirectory, instance.RunDirectory, instance.LogDirectory));
        Assert.Equal((7443, 200_000, "192.168.200.0/24", "lamina_0"), (instance.ApiPort, instance.FirstUserId, instance.DefaultSubnet, instance.NftTable));
    }

    [Fact]
    public void EverythingDerivesFromTheNumber()
    {
        var instance = InstanceClaim.Derive(new InstanceOptions { Name = "t" }) with { Number = 3 };
        Assert.Equal("/var/lib/lamina-t", instance.DataDirectory);
        Assert.Equal((8043, 212_288, "192.168.203.0/24", "lamina_3", "lamina-t"), (instance.ApiPort, instance.FirstUserId, instance.DefaultSubnet, instance.NftTable, instance.CgroupName));
    }

    [Fact]
    public void LinkNamesFitTheKernelAndDiffer()
    {
        var instance = InstanceClaim.Derive(new InstanceOptions());
        string[] names = [instance.LinkName("vm1", "0"), instance.LinkName("vm1", "1"), instance.LinkName("vm2", "0"), (instance with { Name = "t" }).LinkName("vm1", "0")];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.All(names, name => Assert.Matches("^lm[a-z2-7]{13}$", name));
        Assert.Equal(names[0], instance.LinkName("vm1", "0"));
    }

    [Fact]
    public void EachInstanceGetsTheLowestFreeNumberAndKeepsIt()
    {
        var first = Take("a");
        using var second = Take("b");
        Assert.Equal((1, 2), (first.Instance.Number, second.Instance.Number));
        first.Dispose();
        using var third = Take("c");
        Assert.Equal(3, third.Instance.Number);
        using var again = Take("a");
        Assert.Equal(1, again.Instance.Number);
    }

    [Fact]
    public void AnInstanceRunsOnce()
    {
        using var first = Take("a");
        Assert.Equal("instance.running", Assert.Throws<ProblemException>(() => Take("a")).Code);
    }

    [Fact]
    public void ANumberIsFreeAgainWhenItsDataFolderIsGone()
    {
        Take("a").Dispose();
        Directory.Delete(_folder.File("a"), recursive: true);
        using var other = Take("b");
        Assert.Equal(1, other.Instance.Number);
    }

    [Fact]
    public void ABootOfTheHostChangesNoNumber()
    {
        Take("a").Dispose();
        Take("b").Dispose();
        Directory.Delete(_folder.File("registry"), recursive: true);
        using var second = Take("b");
        using var first = Take("a");
        Assert.Equal((1, 2), (first.Instance.Number, second.Instance.Number));
    }

    [Fact]
    public void ANumberWhoseSubnetTheHostHasElsewhereIsLeftOut()
    {
        _taken.UnionWith([1, 3]);
        using (var first = Take("a")) Assert.Equal(2, first.Instance.Number);
        _taken.Add(2);
        using var again = Take("a"); // its own: its guests have that subnet
        using var second = Take("b");
        Assert.Equal((2, 4), (again.Instance.Number, second.Instance.Number));
    }

    [Fact]
    public void ABridgeThatAKilledDaemonLeftHoldsItsSubnetButNotFromItself()
    {
        var instance = InstanceClaim.Derive(new InstanceOptions { Name = "a", RunDirectory = "/tmp/r" }) with { Number = 7 };
        Link[] links = [new() { Index = 5, Name = "lmx", Kind = "bridge", Alias = "lamina/gone/0197/bridge" }];
        NetworkRoute[] routes = [new() { Destination = IPNetwork.Parse("192.168.207.0/24"), LinkIndex = 5 }, new() { LinkIndex = 5 }];
        Assert.True(InstanceSubnets.IsTaken(instance, links, routes));
        Assert.False(InstanceSubnets.IsTaken(instance with { Name = "gone" }, links, routes));
        Assert.False(InstanceSubnets.IsTaken(instance with { Number = 8 }, links, routes));
        Assert.Equal(["lmx of instance gone"], InstanceSubnets.LeftoversOf(links, instance));
    }

    private InstanceClaim Take(string name) => InstanceClaim.Take(
        new InstanceOptions { Name = name, DataDirectory = _folder.File(name), RunDirectory = "/tmp/r" }, _folder.File("registry"), instance => _taken.Contains(instance.Number));
}
