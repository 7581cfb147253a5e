using Lamina.Api;
using Lamina.Server.Placement;
using Xunit;

namespace Lamina.Tests.Unit.Placement;

public class PlacerTests
{
    private static PlacementHost Host(string id, int memoryMiB, int committedMiB = 0, AcceleratorKind accelerator = AcceleratorKind.Kvm) => new()
    {
        Id = id,
        Name = id,
        MemoryMiB = memoryMiB,
        Cores = 4,
        Accelerator = accelerator,
        CommittedMiB = committedMiB,
    };

    [Fact]
    public void NoHostIsAReasonNotACrash()
    {
        var verdict = Placer.Place("web1", 512, []);
        Assert.Null(verdict.Host);
        Assert.Equal("placement.noHost", verdict.Refusal!.Code);
    }

    [Fact]
    public void MoreMemoryThanAnyHostHasIsRefusedWithEachHostsSize()
    {
        var verdict = Placer.Place("web1", 8192, [Host("a", 4096), Host("b", 8192)]);
        Assert.Null(verdict.Host);
        Assert.Contains("'a' has 4096 MiB", verdict.Refusal!.Message, StringComparison.Ordinal);
        Assert.Contains("'b' has 8192 MiB", verdict.Refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheHostWithMostRoomIsChosen() =>
        Assert.Equal("b", Placer.Place("web1", 512, [Host("a", 8192, 6000), Host("b", 4096, 100)]).Host);

    [Fact]
    public void AFullHostStillTakesTheDisks() =>
        Assert.Equal("a", Placer.Place("web1", 512, [Host("a", 4096, 4096)]).Host);

    [Fact]
    public void EqualHostsAreTakenInTheOrderOfTheirIds() =>
        Assert.Equal("a", Placer.Place("web1", 512, [Host("b", 4096), Host("a", 4096)]).Host);

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
}
