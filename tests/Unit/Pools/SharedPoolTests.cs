using Lamina.Api;
using Lamina.Server.Pools;
using Lamina.Testing;

namespace Lamina.Tests.Unit.Pools;

/// <summary>What proves that a shared pool is one folder, and what does not.</summary>
public class SharedPoolTests
{
    [Fact]
    public void TwoHostsOfOneFolderSeeEachOtherAndAreKeptOut()
    {
        using var folder = new TemporaryFolder();
        using var a = new SharedPoolProof("a");
        using var b = new SharedPoolProof("b");
        var paths = new PoolPaths(folder.Path);
        var first = a.Look(paths, "p", []);
        var second = b.Look(paths, "p", [("a", first)]);
        Assert.Equal(["a"], second.Sees);
        Assert.Equal(["a"], second.LockedOutBy);
        Assert.Empty(second.NotLockedOutBy);
        first = a.Look(paths, "p", [("a", first), ("b", second)]);
        Assert.Equal(PoolWall.Cluster, PoolHosts.WallOf([("a", first), ("b", second)]));
    }

    [Fact]
    public void ACopyOfTheFolderIsNotTheFolder()
    {
        using var one = new TemporaryFolder();
        using var other = new TemporaryFolder();
        using var a = new SharedPoolProof("a");
        using var b = new SharedPoolProof("b");
        var first = a.Look(new PoolPaths(one.Path), "p", []);
        var second = b.Look(new PoolPaths(other.Path), "p", [("a", first)]);
        Assert.Empty(second.Sees);
        Assert.Equal(PoolWall.None, PoolHosts.WallOf([("a", first), ("b", second)]));
    }

    [Fact]
    public void ALockThatDoesNotHoldIsNoWallUntilItWasProvedOnce()
    {
        using var folder = new TemporaryFolder();
        using var b = new SharedPoolProof("b");
        var paths = new PoolPaths(folder.Path);
        PoolHostStatus first;
        PoolHostStatus proved;
        using (var a = new SharedPoolProof("a"))
        {
            first = a.Look(paths, "p", []);
            proved = b.Look(paths, "p", [("a", first)]);
        }

        // The daemon of the first is down: its file is there, its lock is not.
        Assert.Equal(["a"], b.Look(paths, "p", [("a", first)]).NotLockedOutBy);
        Assert.Equal(["a"], b.Look(paths, "p", [("a", first), ("b", proved)]).LockedOutBy);
    }

    [Fact]
    public void OneHostAloneHasTheWallOfAHost() => Assert.Equal(PoolWall.Host, PoolHosts.WallOf([("a", new PoolHostStatus { Available = true, Nonce = "x" })]));
}
