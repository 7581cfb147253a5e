using Lamina.Api;
using Lamina.Server.Placement;
using Xunit;

namespace Lamina.Tests.Unit.Placement;

public class CpuBaselinesTests
{
    [Fact]
    public void WithoutAHostThatHasToldThereIsNone() => Assert.Null(CpuBaselines.Of(null, [("a", Status(null))]));

    [Fact]
    public void OneHostGetsWhatItOffers() => Assert.Equal("Haswell-v4", CpuBaselines.Of(null, [("a", Status("Haswell-v4", "Westmere-v1"))])!.Model);

    [Fact]
    public void TheOldestHostDecides()
    {
        var baseline = CpuBaselines.Of(null, [("new", Status("Icelake-Server-v7", "Haswell-v4", "Westmere-v1")), ("old", Status("Haswell-v4", "Westmere-v1"))])!;
        Assert.Equal("Haswell-v4", baseline.Model);
        Assert.Contains("'old'", baseline.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void ProcessorsThatShareNothingNewShareTheOldest() =>
        Assert.Equal("qemu64-v1", CpuBaselines.Of(null, [("intel", Status("Haswell-v4", "qemu64-v1")), ("amd", Status("EPYC-v4", "qemu64-v1"))])!.Model);

    [Fact]
    public void APersonsChoiceHolds() => Assert.Equal("Westmere-v1", CpuBaselines.Of("Westmere-v1", [("a", Status("Haswell-v4", "Westmere-v1"))])!.Model);

    private static HostStatus Status(string? chosen, params string[] others) => new()
    {
        Incarnation = "i",
        BootId = "b",
        DaemonVersion = "1",
        DefaultCpuModel = chosen,
        CpuModels = chosen is null ? others : [chosen, .. others],
    };
}
