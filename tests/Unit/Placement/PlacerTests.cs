using System.Collections.Frozen;
using CsCheck;
using Lamina.Api;
using Lamina.Server.Placement;
using Xunit;

namespace Lamina.Tests.Unit.Placement;

public class PlacerTests
{
    [Fact]
    public void NoHostIsAReasonNotACrash()
    {
        var verdict = Place(Request(512));
        Assert.Null(verdict.Host);
        Assert.Equal("placement.noHost", verdict.Refusal!.Code);
    }

    [Fact]
    public void MoreMemoryThanAnyHostHasIsRefusedWithEachHostsSize()
    {
        var verdict = Place(Request(8192), Host("a", 4096), Host("b", 8192));
        Assert.Null(verdict.Host);
        Assert.Contains("'a' has 4096 MiB", verdict.Refusal!.Message, StringComparison.Ordinal);
        Assert.Contains("'b' has 8192 MiB", verdict.Refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EachFilterTurnsAwayWithItsReasonAndIsCounted()
    {
        var request = Request(512) with { CpuModel = "Haswell-v4", MachineType = "pc-q35-9.0", Pools = ["fast"], Networks = ["lab"] };
        PlacementHost[] hosts =
        [
            Host("closed", 8192) with { Closed = "it is being emptied" },
            Host("small", 256),
            Host("oldMachine", 8192) with { MachineTypes = new[] { "pc-q35-7.2" }.ToFrozenSet() },
            Host("oldCpu", 8192) with { CpuModels = new[] { "Westmere-v1" }.ToFrozenSet() },
            Host("noPool", 8192) with { Pools = new[] { "slow" }.ToFrozenSet() },
            Host("noNetwork", 8192) with { MissingNetworks = new Dictionary<string, string> { ["lab"] = "Network lab is not up." }.ToFrozenDictionary() },
            Host("full", 8192, 8000),
        ];
        var verdict = Place(request, hosts);
        Assert.Equal("full", verdict.Host);
        Assert.Equal(
            ["placement.closed", "placement.cpuModel", "placement.machineType", "placement.memory", "placement.network", "placement.pool"],
            verdict.Why!.Rejected.Keys.Order(StringComparer.Ordinal));
        Assert.All(verdict.Why.Rejected.Values, count => Assert.Equal(1, count));

        var opinions = Placer.Explain(request, here: "small", hosts, [], PlacementStrategy.Balance);
        Assert.All(opinions, opinion => Assert.False(opinion.Fits));
        Assert.All(opinions, opinion => Assert.Single(opinion.Reasons));
        Assert.Equal("host.memoryFull", opinions.Single(opinion => opinion.Host == "full").Reasons[0].Code);
        Assert.True(opinions.Single(opinion => opinion.Host == "small").IsHere);
        Assert.Contains("it is being emptied", Place(request, hosts[0]).Refusal!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EverythingThatSpeaksAgainstAHostIsSaidAtOnce()
    {
        var host = Host("a", 8192, 8000) with { Closed = "it is being emptied", Pools = new[] { "slow" }.ToFrozenSet() };
        var reasons = Placer.Against(Request(512) with { Pools = ["fast"] }, host, [Constraint(only: true, "b")]);
        Assert.Equal(["placement.closed", "placement.pool", "placement.rule", "host.memoryFull"], reasons.Select(reason => reason.Code));
    }

    [Theory]
    [InlineData(PlacementStrategy.Balance, "empty")]
    [InlineData(PlacementStrategy.Pack, "fuller")]
    public void TheStrategyDecidesBetweenHostsWithRoom(PlacementStrategy strategy, string expected)
    {
        var verdict = Placer.Place(Request(512), [Host("empty", 8192), Host("fuller", 8192, 4000), Host("full", 8192, 8000)], [], strategy);
        Assert.Equal(expected, verdict.Host);
        Assert.Contains($"'{expected}'", verdict.Why!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void BusyProcessorsCountAsFullMemoryDoes() =>
        Assert.Equal("b", Place(Request(512), Host("a", 65536) with { CommittedCpus = 30 }, Host("b", 65536, 30000)).Host);

    [Fact]
    public void AFullHostStillTakesTheDisks()
    {
        var verdict = Place(Request(512), Host("a", 4096, 4096), Host("b", 4096, 6000));
        Assert.Equal("a", verdict.Host);
        Assert.Contains("No host has memory for it now", verdict.Why!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void EqualHostsAreTakenInTheOrderOfTheirIds() => Assert.Equal("a", Place(Request(512), Host("b", 4096), Host("a", 4096)).Host);

    [Fact]
    public void ADemandTurnsAwayAndAWishOnlyWeighs()
    {
        PlacementHost[] hosts = [Host("a", 8192), Host("b", 8192, 4000)];
        Assert.Equal("b", Placer.Place(Request(512), hosts, [Constraint(only: false, "a")], PlacementStrategy.Balance).Host);
        Assert.Equal("b", Placer.Place(Request(512), hosts, [Constraint(only: false, "a") with { Preferred = true }], PlacementStrategy.Balance).Host);

        var impossible = Placer.Place(Request(512), hosts, [Constraint(only: true, "c")], PlacementStrategy.Balance);
        Assert.Contains("rule 'r'", impossible.Refusal!.Message, StringComparison.Ordinal);
        Assert.NotNull(Placer.Place(Request(512), hosts, [Constraint(only: true, "c") with { Preferred = true }], PlacementStrategy.Balance).Host);

        // A wish does not put a VM where it could not start.
        Assert.Equal("b", Placer.Place(Request(512), [Host("a", 8192, 8192), Host("b", 8192, 4000)], [Constraint(only: true, "a") with { Preferred = true }], PlacementStrategy.Balance).Host);
    }

    [Fact]
    public void TheOrderOfTheHostsDoesNotMatter() => Gen.Select(Gen.Int[0, 4096], Gen.Int[0, 20]).List[1, 12].Sample(loads =>
    {
        var hosts = loads.Select((load, index) => Host($"h{index:D2}", 4096, load.Item1) with { CommittedCpus = load.Item2 }).ToArray();
        foreach (var strategy in Enum.GetValues<PlacementStrategy>())
        {
            string? chosen = Placer.Place(Request(256), hosts, [], strategy).Host;
            Assert.Equal(chosen, Placer.Place(Request(256), [.. hosts.Reverse()], [], strategy).Host);
            if (hosts.Any(host => host.FreeMiB >= 336)) Assert.True(hosts.Single(host => host.Id == chosen).FreeMiB >= 336);
        }
    });

    [Theory]
    [InlineData(0, true)]
    [InlineData(1000 - (512 + 64 + 16), true)]
    [InlineData(1000 - (512 + 64 + 16) + 1, false)]
    [InlineData(1000, false)]
    public void AdmissionCountsWhatQemuNeedsBesideTheGuest(int committedMiB, bool admitted)
    {
        var refusal = Placer.Admit("web1", 512, Host("a", 1000, committedMiB));
        Assert.Equal(admitted, refusal is null);
        if (!admitted) Assert.Equal("host.memoryFull", refusal!.Code);
    }

    [Theory]
    [InlineData(64, 32)]
    [InlineData(256, 64)]
    [InlineData(512, 128)]
    [InlineData(8192, 128)]
    public void TheTranslationCacheFollowsTheGuestsMemoryUnderSoftwareTranslationOnly(int memoryMiB, int cacheMiB)
    {
        var translated = VmFootprint.Of(memoryMiB, AcceleratorKind.Tcg);
        Assert.Equal(cacheMiB, translated.TranslationCacheMiB);
        Assert.Equal(memoryMiB + 64 + cacheMiB + 16, translated.AdmissionMiB);
        Assert.Equal(memoryMiB + 256 + cacheMiB + 16, translated.LimitMiB);
        Assert.Equal(0, VmFootprint.Of(memoryMiB, AcceleratorKind.Kvm).TranslationCacheMiB);
    }

    internal static PlacementRequest Request(int memoryMiB) => new() { Id = "vm", Name = "web1", MemoryMiB = memoryMiB };

    internal static PlacementHost Host(string id, int memoryMiB, int committedMiB = 0) => new()
    {
        Id = id,
        Name = id,
        MemoryMiB = memoryMiB,
        Cores = 4,
        Accelerator = AcceleratorKind.Kvm,
        CommittedMiB = committedMiB,
    };

    private static PlacementVerdict Place(PlacementRequest request, params PlacementHost[] hosts) => Placer.Place(request, hosts, [], PlacementStrategy.Balance);

    private static PlacementConstraint Constraint(bool only, string host) =>
        new("r", Preferred: false, only, new Dictionary<string, string> { [host] = "VM 'db2' is there" });
}
