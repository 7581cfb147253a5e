using CsCheck;
using Lamina.Api;
using Lamina.Linux.Network;
using Lamina.Server.Networks;
using Xunit;

namespace Lamina.Tests.Unit.Networks;

public sealed class UplinkPlanTests
{
    private const string Boot = "boot";

    private static readonly NetworkBridge Wanted = new() { Device = "eth1" };

    private static readonly UplinkIntent Applied = new()
    {
        Network = "lan", Device = "eth1", DeviceMac = "525400000001", MtuBytes = 1500, Bridge = "lmx", BridgeOwner = "o", Phase = UplinkPhase.Applied, Attempt = 1,
        BootId = Boot, DeadlineNanoseconds = 1000, Addressing = new() { Addresses = [new() { Text = "192.0.2.2/24", Message = [] }] },
    };

    private static readonly Gen<UplinkIntent?> AnyIntent = Gen.Select(
        Gen.Bool, Gen.Enum<UplinkPhase>(), Gen.Int[1, 3], Gen.Bool, Gen.Bool, (isThere, phase, attempt, isOfThisBoot, awaitsStore) =>
            isThere ? Applied with { Phase = phase, Attempt = attempt, BootId = isOfThisBoot ? Boot : "before", AwaitsStore = awaitsStore } : null);

    [Fact]
    public void Unconfirmed_it_waits_until_the_deadline_and_then_goes_back()
    {
        Assert.Equal(UplinkStep.Begin, UplinkPlan.Next(Wanted, null, Boot, 0));
        Assert.Equal(UplinkStep.Wait, UplinkPlan.Next(Wanted, Applied, Boot, 999));
        Assert.Equal(UplinkStep.RollBack, UplinkPlan.Next(Wanted, Applied, Boot, 1000));
        Assert.Equal(UplinkStep.Continue, UplinkPlan.Next(Wanted with { Confirmed = 1 }, Applied, Boot, 1000));
        Assert.Equal(UplinkStep.Nothing, UplinkPlan.Next(Wanted, Applied with { Phase = UplinkPhase.RolledBack }, Boot, 1000));
        Assert.Equal(UplinkStep.Begin, UplinkPlan.Next(Wanted with { Attempt = 2 }, Applied with { Phase = UplinkPhase.RolledBack }, Boot, 1000));
    }

    [Fact]
    public void A_death_in_its_midst_goes_back_and_a_reboot_makes_anew_only_what_was_confirmed()
    {
        Assert.Equal(UplinkStep.RollBack, UplinkPlan.Next(Wanted, Applied with { Phase = UplinkPhase.Applying }, Boot, 0));
        Assert.Equal(UplinkStep.RollBack, UplinkPlan.Next(Wanted with { Confirmed = 1 }, Applied with { Phase = UplinkPhase.Undoing }, Boot, 0));
        Assert.Equal(UplinkStep.RollBack, UplinkPlan.Next(Wanted, Applied, "another", 0));
        Assert.Equal(UplinkStep.Begin, UplinkPlan.Next(Wanted with { Confirmed = 1 }, Applied, "another", 0));
    }

    /// <summary>Somebody's word is of the host that he reached; each other one must have found its way by itself.</summary>
    [Fact]
    public void Cut_off_from_its_cluster_it_goes_back_whoever_confirmed()
    {
        var confirmed = Wanted with { Confirmed = 1 };
        var alone = Applied with { Unreached = [new("h2", "host2", "10.0.0.2:7444")] };
        foreach (var unproven in new[] { alone, Applied with { AwaitsStore = true } })
        {
            Assert.Equal(UplinkStep.Wait, UplinkPlan.Next(confirmed, unproven, Boot, 999));
            Assert.Equal(UplinkStep.RollBack, UplinkPlan.Next(confirmed, unproven, Boot, 1000));
            Assert.Equal(UplinkStep.RollBack, UplinkPlan.Next(confirmed, unproven, "another", 0));
            Assert.Equal(UplinkState.AwaitingConfirmation, UplinkPlan.Show(confirmed, unproven, DateTimeOffset.UnixEpoch)!.State);
        }

        Assert.Equal(["host2"], UplinkPlan.Show(confirmed, alone, DateTimeOffset.UnixEpoch)!.Unreached);
        Assert.Equal(["the cluster's store"], UplinkPlan.Show(Wanted, Applied with { AwaitsStore = true, Phase = UplinkPhase.RolledBack }, DateTimeOffset.UnixEpoch)!.Unreached);
        Assert.Equal(UplinkStep.Continue, UplinkPlan.Next(confirmed, Applied, Boot, 1000));
    }

    [Fact]
    public void Without_its_network_it_is_given_back() => Assert.Equal(
        [UplinkStep.Nothing, UplinkStep.Remove, UplinkStep.RollBack, UplinkStep.Forget, UplinkStep.Forget],
        new[] { null, Applied, Applied with { Phase = UplinkPhase.Undoing }, Applied with { Phase = UplinkPhase.RolledBack }, Applied with { BootId = "before" } }
            .Select(intent => UplinkPlan.Next(null, intent, Boot, 0)));

    /// <summary>Whatever is found on disk: past the deadline, nothing unconfirmed stays; and each step leads to rest.</summary>
    [Fact]
    public void From_any_state_it_comes_to_rest_and_nothing_unconfirmed_outlives_its_deadline() =>
        Gen.Select(AnyIntent, Gen.Int[1, 3], Gen.Int[0, 3], Gen.Bool).Sample((found, attempt, confirmed, isWanted) =>
        {
            var wanted = isWanted ? Wanted with { Attempt = attempt, Confirmed = Math.Min(confirmed, attempt) } : null;
            var intent = found;
            for (var steps = 0; ; steps++)
            {
                Assert.InRange(steps, 0, 4);
                var step = UplinkPlan.Next(wanted, intent, Boot, long.MaxValue);
                if (step == UplinkStep.Nothing || (step == UplinkStep.Continue && intent!.Phase == UplinkPhase.Applied)) break;
                Assert.NotEqual(UplinkStep.Wait, step);
                intent = step switch
                {
                    UplinkStep.Begin => Applied with { Attempt = wanted!.Attempt },
                    UplinkStep.Continue => intent! with { Phase = UplinkPhase.Applied },
                    UplinkStep.Forget => null,
                    _ => intent! with { Phase = UplinkPhase.RolledBack },
                };
            }

            if (intent?.Phase == UplinkPhase.Applied) Assert.True(wanted!.Confirmed >= intent.Attempt && intent.IsProven);
            if (wanted is null) Assert.Null(intent);
        });

    [Fact]
    public void People_see_what_is_and_until_when()
    {
        var deadline = DateTimeOffset.UnixEpoch;
        var waiting = UplinkPlan.Show(Wanted, Applied, deadline)!;
        Assert.Equal((UplinkState.AwaitingConfirmation, deadline), (waiting.State, waiting.Deadline!.Value));
        Assert.Equal(["192.0.2.2/24"], waiting.Addresses);
        var confirmed = UplinkPlan.Show(Wanted with { Confirmed = 1 }, Applied, deadline)!;
        Assert.Equal((UplinkState.Confirmed, null), (confirmed.State, confirmed.Deadline));
        Assert.Equal(UplinkState.RolledBack, UplinkPlan.Show(Wanted, Applied with { Phase = UplinkPhase.RolledBack }, deadline)!.State);
        Assert.Null(UplinkPlan.Show(Wanted, null, deadline));
    }

    public static TheoryData<string?, string> Devices => new()
    {
        { "network.deviceMissing", "none" }, { "network.deviceOurs", "ours" }, { "network.deviceWireless", "wireless" }, { "network.deviceTaken", "slave" },
        { "network.deviceKind", "loopback" }, { "network.deviceKind", "tap" }, { "network.deviceLeased", "leased" }, { "network.deviceRoutes", "shared" },
        { null, "card" }, { null, "bridge" }, { null, "slaac" },
    };

    [Theory]
    [MemberData(nameof(Devices))]
    public void Only_what_leads_into_a_lan_and_can_be_moved_is_taken(string? code, string device)
    {
        var link = new Link { Index = 2, Name = "eth1" };
        var card = new UplinkFacts { Device = "eth1", Link = link };
        var facts = device switch
        {
            "none" => card with { Link = null },
            "ours" => card with { Link = link with { Kind = "bridge", Alias = "lamina/default/1/bridge" } },
            "wireless" => card with { IsWireless = true },
            "slave" => card with { Master = "bond0" },
            "loopback" => card with { Link = link with { Name = "lo" } },
            "tap" => card with { Link = link with { Kind = "tun" } },
            "leased" => card with { Addressing = new() { Addresses = [new() { Text = "192.0.2.2/24", IsDynamic = true, Message = [] }] } },
            "slaac" => card with { Addressing = new() { Addresses = [new() { Text = "2001:db8::2/64", IsIPv6 = true, IsDynamic = true, Message = [] }] } },
            "shared" => card with { Addressing = new() { Routes = [new() { Text = "default", IsShared = true, Message = [] }] } },
            "bridge" => card with { Link = link with { Kind = "bridge" } },
            _ => card,
        };
        Assert.Equal(code, UplinkRules.Refuse(facts)?.Code);
    }

    [Theory]
    [InlineData(null, null, null, null)]
    [InlineData("[device]\nmanaged=true\n", null, null, "NetworkManager")]
    [InlineData("[device]\nmanaged=false\n", null, null, null)]
    [InlineData(null, "ADMIN_STATE=configured\n", null, "systemd-networkd")]
    [InlineData(null, "ADMIN_STATE=unmanaged\n", null, null)]
    [InlineData(null, null, "auto eth1\niface eth1 inet static\n", "ifupdown")]
    [InlineData(null, null, "iface eth10 inet dhcp\n", null)]
    public void Who_sets_up_a_card_is_told(string? networkManager, string? networkd, string? interfaces, string? manager) =>
        Assert.Equal(manager, LinkManager.Of("eth1", networkManager, networkd, interfaces));
}
