using Lamina.Api;
using Lamina.Server.Maintenance;
using Xunit;

namespace Lamina.Tests.Unit.Maintenance;

public class LoadMeansTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    [Fact]
    public void ABurstMovesTheMeanALittle()
    {
        HostLoad? load = null;
        for (int second = 0; second <= 600; second += 10) load = LoadMeans.Next(load, At(second, 20), []);
        Assert.Equal((300, 20.0), (load!.Seconds, load.CpuPercent));
        load = LoadMeans.Next(load, At(610, 100), []);
        Assert.InRange(load.CpuPercent, 20.1, 25);
    }

    [Fact]
    public void AtFirstAllThatWasSeenCountsAlike()
    {
        var load = LoadMeans.Next(LoadMeans.Next(LoadMeans.Next(null, At(0, 0), []), At(10, 10), []), At(20, 30), []);
        Assert.Equal((20, 20.0), (load.Seconds, load.CpuPercent));
    }

    [Fact]
    public void OnlyAChangeOfSomeSizeIsWorthAWrite()
    {
        var load = LoadMeans.Next(null, At(0, 20), [Guest(30, 1 << 30)]);
        Assert.True(LoadMeans.IsNotable(null, load));
        Assert.False(LoadMeans.IsNotable(load, load with { CpuPercent = 25 }));
        Assert.True(LoadMeans.IsNotable(load, load with { CpuPercent = 31 }));
        Assert.True(LoadMeans.IsNotable(load, load with { Vms = new Dictionary<string, VmLoad>() }));
        Assert.True(LoadMeans.IsNotable(load, load with { Seconds = 300 }));
    }

    private static HostFigures At(int second, double cpu) => new() { Id = "h", Name = "h", At = Start.AddSeconds(second), Cores = 4, CpuPercent = cpu, MemoryBytes = 100, MemoryAvailableBytes = 50 };

    private static VmFigures Guest(double cpu, long resident) => new() { Id = "v", Name = "v", Project = "default", At = Start, CpuPercent = cpu, GuestResidentBytes = resident };
}
