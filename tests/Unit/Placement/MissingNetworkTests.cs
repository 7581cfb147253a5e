using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Maintenance;
using Lamina.Server.Migration;
using Lamina.Server.Placement;
using Lamina.Tests.Unit.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Placement;

/// <summary>Whoever chooses a host or judges one says the same of a network that is not up there: placement, explain, migration, mobility.</summary>
public class MissingNetworkTests
{
    private static readonly NetworkStatus Missing = new()
    {
        Up = false, Failure = new() { Code = "network.deviceMissing", Message = "This host has no link 'eth1'." },
    };

    [Fact]
    public void AHostWithoutTheNetworkIsTurnedAwayByAllWithItsReason()
    {
        var snapshot = World(Missing).Build();
        var vm = snapshot.Get(Keys.Vms.Spec, "vm-web")!;
        Assert.Equal("host-1", PlacementBoard.Read(snapshot).Place(PlacementBoard.RequestOf(snapshot, vm)).Host);

        var opinion = PlacementBoard.Read(snapshot).Explain(PlacementBoard.RequestOf(snapshot, vm), "host-1").Single(opinion => opinion.Host == "host-2");
        var blocker = Assert.Single(Migrations.Forecast(snapshot, vm, new MigrationRequest { To = "host-2" }).Blockers);
        var mobility = Mobilities.Of(snapshot, vm).Single(host => host.Host == "host-2");
        Assert.False(opinion.Fits || mobility.CanGo || mobility.CanGoWithStorage);
        Assert.All((Failure[])[blocker, Assert.Single(opinion.Reasons), Assert.Single(mobility.Reasons)], reason =>
        {
            Assert.Equal("placement.network", reason.Code);
            Assert.Contains("no link 'eth1'", reason.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void AHostThatHasTheNetworkOrHasNotToldYetIsBelieved()
    {
        foreach (var status in (NetworkStatus?[])[null, new() { Up = true }])
        {
            var snapshot = World(status).Build();
            Assert.Empty(Migrations.Forecast(snapshot, snapshot.Get(Keys.Vms.Spec, "vm-web")!, new MigrationRequest { To = "host-2" }).Blockers);
        }

        var other = World(Missing, network: "net-1").Build(); // the VM is not on that one
        Assert.Empty(Migrations.Forecast(other, other.Get(Keys.Vms.Spec, "vm-web")!, new MigrationRequest { To = "host-2" }).Blockers);
    }

    [Fact]
    public void ACardThatWaitsForItsConfirmationIsSaid()
    {
        var waiting = World(new() { Up = false, Uplink = new() { Device = "eth1", State = UplinkState.AwaitingConfirmation } }).Build();
        var blocker = Assert.Single(Migrations.Forecast(waiting, waiting.Get(Keys.Vms.Spec, "vm-web")!, new MigrationRequest { To = "host-2" }).Blockers);
        Assert.Contains("waits for a word", blocker.Message, StringComparison.Ordinal);
    }

    /// <summary>What a decision reads is kept up to date change by change.</summary>
    [Fact]
    public void TheBoardFollowsEachHostsWord()
    {
        var board = new PlacementBoard();
        var before = World(null).Build();
        board.Reset(before);
        var on = Keys.Networks.OnHostId("lan", "host-1");
        foreach (var (status, chosen) in new[] { (Missing, "host-2"), (new() { Up = true }, "host-1") })
        {
            var change = new CacheChange(Keys.Networks.OnHost, on, before.Get(Keys.Networks.OnHost, on), new CachedRecord<NetworkStatus>(on, status, 2, 2));
            before = before.With(before.Revision + 1, [change]);
            board.See(new CacheBatch { Changes = [change], Snapshot = before });
            var spec = before.Get(Keys.Vms.Spec, "vm-web")!;
            var free = new CachedRecord<VmSpec>("another", spec.Record with { Name = "another" }, 1, 1);
            Assert.Equal(chosen, board.Place(before, free).Host);
            board.TakeBack(before, "another");
        }
    }

    /// <summary>A VM on the first of two alike hosts, and what the second says of one network.</summary>
    private static TestSnapshots World(NetworkStatus? onSecond, string network = "lan")
    {
        var world = TestSnapshots.Installation()
            .Add(Keys.Hosts.Spec, "host-2", new HostSpec { Name = "host-2" })
            .Add(Keys.Hosts.Status, "host-2", TestSnapshots.Installation().Build().Get(Keys.Hosts.Status, "host-1")!.Record)
            .Add(Keys.Networks.Spec, "lan", new NetworkSpec { Name = "lan", Kind = NetworkKind.Bridge, Bridge = new NetworkBridge { Device = "eth1" } })
            .Vm("web", new VmNic { Slot = 0, Network = "lan", Mac = "52:54:00:00:00:01" })
            .Add(Keys.Vms.Assignment, "vm-web", new VmAssignment { Host = "host-1", Epoch = 1 });
        return onSecond is null ? world : world.Add(Keys.Networks.OnHost, Keys.Networks.OnHostId(network, "host-2"), onSecond);
    }
}
