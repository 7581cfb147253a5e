using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Pools;

namespace Lamina.Tests.Unit.Pools;

public class PoolRulesTests
{
    private static readonly PoolSpec[] Known = [new PoolSpec { Name = "default", Path = "/var/lib/lamina/pools/default" }, new PoolSpec { Name = "fast", Path = "/srv/fast" }];
    private static readonly string[] Private = ["/var/lib/lamina", "/etc/lamina", "/run/lamina"];

    [Theory]
    [InlineData(null, "pool.path")]
    [InlineData("", "pool.path")]
    [InlineData("srv/fast", "pool.path")]
    [InlineData("/", "pool.path")]
    [InlineData("/srv/a\nb", "pool.path")]
    [InlineData("/srv/../etc", "pool.path")]
    [InlineData("/srv/./fast", "pool.path")]
    [InlineData("/srv//fast", "pool.path")]
    [InlineData("/srv/fast2/", "pool.path")]
    [InlineData("/srv", "pool.systemFolder")]
    [InlineData("/etc/shadow", "pool.systemFolder")]
    [InlineData("/usr", "pool.systemFolder")]
    [InlineData("/proc/self", "pool.systemFolder")]
    [InlineData("/dev/shm/pool", "pool.systemFolder")]
    [InlineData("/var/lib/lamina/secrets", "pool.daemonFolder")]
    [InlineData("/srv/fast", "pool.samePath")]
    [InlineData("/srv/fast/disks", "pool.nested")]
    public void A_path_that_is_no_place_for_a_pool_is_refused(string? path, string code) =>
        Assert.Equal(code, PoolRules.PathProblem(path, Known, Private)?.Code);

    [Fact]
    public void A_folder_that_holds_a_pool_is_refused() =>
        Assert.Equal("pool.nested", PoolRules.PathProblem("/data", [new PoolSpec { Name = "deep", Path = "/data/one/two" }], Private)?.Code);

    [Theory]
    [InlineData("/srv/fast2")]
    [InlineData("/home/vms")]
    [InlineData("/mnt/disk 1")]
    [InlineData("/usrlocal")]
    public void Others_are_taken(string path) => Assert.Null(PoolRules.PathProblem(path, Known, Private));

    [Fact]
    public void Every_problem_is_named()
    {
        var problems = new InputProblems();
        PoolRules.Check(new PoolCreate { Name = "NO", Path = "x", ReserveBytes = -1, OverProvisionPercent = 0, Notes = new string('n', 5000) }, Known, Private, problems);
        Assert.Equal(["$.name", "$.reserveBytes", "$.overProvisionPercent", "$.notes", "$.path"], problems.Found.Select(problem => problem.Path));
    }

    [Theory]
    [InlineData(null, 100, 1000, 1_000_000, true)]
    [InlineData(100, 0, 1000, 1_000_000, true)]
    [InlineData(100, 1000, 600, 400, true)]
    [InlineData(100, 1000, 600, 401, false)]
    [InlineData(250, 1000, 2000, 500, true)]
    [InlineData(250, 1000, 2000, 501, false)]
    [InlineData(100_000, long.MaxValue / 2, 0, long.MaxValue / 4, true)]
    public void Only_so_much_is_promised_to_guests(int? percent, long total, long provisioned, long more, bool fits) =>
        Assert.Equal(fits, PoolRules.RefuseProvision("p", percent, total, provisioned, more) is null);

    [Fact]
    public void Only_an_empty_pool_that_is_not_the_default_one_goes()
    {
        Assert.Equal("pool.default", PoolRules.RefuseDelete("default", [])!.Code);
        Assert.Null(PoolRules.RefuseDelete("fast", []));
        Assert.Contains("disk a, disk b, disk c, disk d, disk e and 2 more", PoolRules.RefuseDelete("fast", ["disk a", "disk b", "disk c", "disk d", "disk e", "disk f", "disk g"])!.Message, StringComparison.Ordinal);
    }
}
