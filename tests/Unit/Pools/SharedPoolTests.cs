using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Pools;
using Lamina.Testing;
using Lamina.Tests.Unit.Vms;

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

    /// <summary>To try it would harm: a daemon that starts would find its own file locked.</summary>
    [Fact]
    public void WhatWasProvedIsNotTriedAgain()
    {
        using var folder = new TemporaryFolder();
        int tries = 0;
        using var a = new SharedPoolProof("a");
        using var b = new SharedPoolProof("b", file =>
        {
            tries++;
            return OpenFileLock.TryTake(file);
        });
        var paths = new PoolPaths(folder.Path);
        var first = a.Look(paths, "p", []);
        var second = b.Look(paths, "p", [("a", first)]);
        Assert.Equal(2, tries); // its own file, and the other's
        Assert.Equal(["a"], b.Look(paths, "p", [("a", first), ("b", second)]).LockedOutBy);
        Assert.Equal(2, tries);
    }

    /// <summary>A copy that is mounted over the pool later has the marks of all hosts, and is another folder.</summary>
    [Fact]
    public void ACopyInThePlaceOfTheFolderIsNotTakenForIt()
    {
        using var place = new TemporaryFolder();
        string here = Path.Combine(place.Path, "pool"), away = Path.Combine(place.Path, "away");
        Directory.CreateDirectory(here);
        using var a = new SharedPoolProof("a");
        using var b = new SharedPoolProof("b");
        var first = a.Look(new PoolPaths(here), "p", []);
        var second = b.Look(new PoolPaths(here), "p", [("a", first)]);
        first = a.Look(new PoolPaths(here), "p", [("a", first), ("b", second)]);
        Assert.Equal(PoolWall.Cluster, PoolHosts.WallOf([("a", first), ("b", second)]));

        // To the second host the path leads to a copy from now on.
        Directory.Move(here, away);
        Directory.CreateDirectory(Path.Combine(here, SharedPoolProof.Folder));
        foreach (string host in (string[])["a", "b"]) File.Copy(Path.Combine(away, SharedPoolProof.Folder, host), Path.Combine(here, SharedPoolProof.Folder, host));
        second = b.Look(new PoolPaths(here), "p", [("a", first), ("b", second)]);
        first = a.Look(new PoolPaths(away), "p", [("a", first), ("b", second)]);
        Assert.Equal(PoolWall.None, PoolHosts.WallOf([("a", first), ("b", second)]));
    }

    private static readonly PoolHostStatus There = new() { Available = true, Nonce = "x" };
    private static readonly PoolHostStatus Silent = new() { Available = false, Nonce = "", Failure = new() { Code = SharedPools.Hangs, Message = "It does not answer." } };
    private static readonly PoolHostStatus Unmounted = Silent with { Failure = new() { Code = "pool.unavailable", Message = "It bears no mark." } };
    private static readonly CachedRecord<PoolSpec> Pool = new("p", new PoolSpec { Name = "nfs", Path = "/srv/nfs", Scope = PoolScope.Shared }, 1, 1);

    [Fact]
    public void PeopleAreToldWhenAHostLosesAPoolAndWhenItHasItAgain()
    {
        Assert.Null(SharedPools.EventOf(Pool, "a", null, There));
        Assert.Null(SharedPools.EventOf(Pool, "a", There, There with { Sees = ["b"] }));
        var lost = SharedPools.EventOf(Pool, "a", There, Silent)!;
        Assert.Equal((SharedPools.Hangs, EventSeverity.Error), (lost.Kind, lost.Severity));
        Assert.Contains("are not ended", lost.Message, StringComparison.Ordinal);
        Assert.Null(SharedPools.EventOf(Pool, "a", Silent, Silent));
        Assert.Equal("pool.away", SharedPools.EventOf(Pool, "a", Silent, Unmounted)!.Kind);
        Assert.Equal("pool.back", SharedPools.EventOf(Pool, "a", Unmounted, There)!.Kind);
    }

    /// <summary>The last word of the host that told the pool's room is no longer true when no host finds it.</summary>
    [Fact]
    public void APoolThatNoHostFindsIsShownAsAway()
    {
        var told = new PoolStatus { Available = true, TotalBytes = 7 };
        var world = new TestSnapshots().Add(Keys.Pools.Spec, "p", Pool.Record).Add(Keys.Pools.Status, "p", told);
        Assert.True(PoolHosts.StatusOf(world.Build(), Pool)!.Available);
        world.Add(Keys.Pools.OnHost, Keys.Pools.OnHostId("p", "a"), Silent);
        Assert.Equal((false, 7, SharedPools.Hangs), (PoolHosts.StatusOf(world.Build(), Pool)!.Available, PoolHosts.StatusOf(world.Build(), Pool)!.TotalBytes, PoolHosts.StatusOf(world.Build(), Pool)!.Failure!.Code));
        Assert.NotNull(PoolHosts.HangsOn(world.Build(), Pool, "a"));
        Assert.Null(PoolHosts.HangsOn(world.Build(), Pool, "b"));
        world.Add(Keys.Pools.OnHost, Keys.Pools.OnHostId("p", "b"), There);
        Assert.True(PoolHosts.StatusOf(world.Build(), Pool)!.Available);
    }

    [Fact]
    public void OneHostAloneHasTheWallOfAHost() => Assert.Equal(PoolWall.Host, PoolHosts.WallOf([("a", new PoolHostStatus { Available = true, Nonce = "x" })]));
}
