using CsCheck;
using Lamina.Api;
using Lamina.Server.Placement;
using Xunit;

namespace Lamina.Tests.Unit.Placement;

public class PlacementWorldTests
{
    [Fact]
    public void VmsThatAreToBeApartSpreadOverTheHosts()
    {
        var world = World(3);
        world.PutRule("r", new PlacementRuleSpec { Name = "db", Kind = PlacementRuleKind.Apart, Tags = ["db"] });
        var hosts = Enumerable.Range(0, 3).Select(index => Put(world, $"db{index}", "db")).ToList();
        Assert.Equal(3, hosts.Distinct().Count());
        var refused = world.Place(Request("db4", "db"));
        Assert.Null(refused.Host);
        Assert.Contains("rule 'db' keeps it away: VM 'db", refused.Refusal!.Message, StringComparison.Ordinal);
        Assert.NotNull(world.Place(Request("web", "web")).Host);
    }

    [Fact]
    public void VmsThatAreToBeTogetherFollowTheFirst()
    {
        var world = World(3);
        world.PutRule("r", new PlacementRuleSpec { Name = "app", Kind = PlacementRuleKind.Together, Vms = ["a1", "a2", "a3"] });
        string first = Put(world, "a1");
        Assert.Equal(first, Put(world, "a2"));
        Assert.Equal(first, Put(world, "a3"));
        Assert.NotEqual(first, Put(world, "other"));
    }

    [Fact]
    public void ARuleOfAnotherProjectIsNone()
    {
        var world = World(1);
        world.PutRule("r", new PlacementRuleSpec { Name = "db", Project = "theirs", Kind = PlacementRuleKind.NotOnHosts, Tags = ["db"], Hosts = ["h0"] });
        Assert.Equal("h0", Put(world, "db1", "db"));
    }

    [Fact]
    public void AVmDoesNotSpeakAgainstItself()
    {
        var world = new PlacementWorld();
        world.PutHost(PlacerTests.Host("h0", 1024));
        world.PutRule("r", new PlacementRuleSpec { Name = "db", Kind = PlacementRuleKind.Apart, Vms = ["db1", "db2"] });
        world.PutVm("db1", Placed("h0", 700));
        var opinion = Assert.Single(world.Explain(Request("db1") with { MemoryMiB = 700 }, "h0"));
        Assert.True(opinion.Fits, string.Join(" ", opinion.Reasons.Select(reason => reason.Message)));
    }

    [Fact]
    public void SumsAreAsIfCountedAnew() => Gen.Select(Gen.Int[0, 3], Gen.Int[0, 5], Gen.Int[0, 4]).List[1, 60].Sample(steps =>
    {
        var world = World(4);
        var vms = new Dictionary<string, PlacedVm>();
        foreach (var (kind, vm, host) in steps)
        {
            string id = $"v{vm}";
            switch (kind)
            {
                case 0:
                    world.PutVm(id, null);
                    vms.Remove(id);
                    break;
                case 1 when host < 4:
                    world.RemoveHost($"h{host}");
                    world.PutHost(PlacerTests.Host($"h{host}", 8192));
                    break;
                default:
                    world.PutVm(id, vms[id] = Placed($"h{host}", 100 + vm, takes: kind != 3));
                    break;
            }
        }

        foreach (var host in world.Hosts)
        {
            var here = vms.Values.Where(vm => vm.Host == host.Id && vm.Takes).ToList();
            Assert.Equal(here.Sum(vm => vm.MemoryMiB + 80), host.CommittedMiB);
            Assert.Equal(here.Count, host.CommittedCpus);
        }
    });

    private static PlacementWorld World(int hosts)
    {
        var world = new PlacementWorld();
        for (int index = 0; index < hosts; index++) world.PutHost(PlacerTests.Host($"h{index}", 8192));
        return world;
    }

    private static PlacementRequest Request(string id, params string[] tags) => PlacerTests.Request(256) with { Id = id, Name = id, Tags = tags };

    private static string Put(PlacementWorld world, string id, params string[] tags)
    {
        string host = world.Place(Request(id, tags)).Host!;
        world.PutVm(id, Placed(host, 256, name: id, tags: tags));
        return host;
    }

    private static PlacedVm Placed(string host, int memoryMiB, bool takes = true, string name = "vm", params string[] tags) =>
        new(host, name, ProjectRecord.DefaultProject, tags, memoryMiB, 1, takes);
}
