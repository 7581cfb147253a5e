using Lamina.Engine;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Processes;
using Lamina.Server.Metrics;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Unit.Metrics;

public sealed class VmRatesTests
{
    private readonly FakeTimeProvider _time = new();

    private VmReading Reading(double seconds, long run = 1, double cpu = 0, double wait = 0, long received = 0, params NicReading[] nics) => new()
    {
        Id = "id",
        Name = "web",
        Project = "default",
        Run = run,
        At = _time.GetUtcNow(),
        Timestamp = (long)(seconds * _time.TimestampFrequency),
        MemoryBytes = 512 << 20,
        IsMemoryShared = true,
        Cgroup = new CgroupUsage(TimeSpan.FromSeconds(cpu), 1000) { ThrottledTime = TimeSpan.FromSeconds(cpu / 10) },
        Process = new ProcessMemory(30, 12, 400, 0),
        Vcpus = new ThreadTimes(TimeSpan.FromSeconds(cpu / 2), TimeSpan.FromSeconds(wait)),
        Nics = nics.Length > 0 ? nics : [new NicReading(0, received, 10, 1, 1, 0)],
    };

    [Fact]
    public void The_first_reading_has_states_but_no_rates()
    {
        var figures = VmRates.Between(null, Reading(0), _time);
        Assert.Null(figures.CpuPercent);
        Assert.Null(figures.NetReceiveBytesPerSecond);
        Assert.Equal(400, figures.GuestResidentBytes);
        Assert.Equal(42, figures.OverheadBytes);
    }

    [Fact]
    public void Rates_are_by_the_time_that_went_by()
    {
        var figures = VmRates.Between(Reading(0), Reading(20, cpu: 30, wait: 1, received: 2000), _time);
        Assert.Equal(150, figures.CpuPercent!.Value, 6);
        Assert.Equal(75, figures.VcpuPercent!.Value, 6);
        Assert.Equal(5, figures.VcpuWaitPercent!.Value, 6);
        Assert.Equal(15, figures.ThrottledPercent!.Value, 6);
        Assert.Equal(100, figures.NetReceiveBytesPerSecond);
        Assert.Equal(0, figures.NetSendBytesPerSecond);
    }

    [Fact]
    public void Another_run_begins_anew() => Assert.Null(VmRates.Between(Reading(0, cpu: 50), Reading(10, run: 2, cpu: 1), _time).CpuPercent);

    [Fact]
    public void A_counter_that_went_back_has_no_rate() => Assert.Null(VmRates.Between(Reading(0, cpu: 50), Reading(10, cpu: 1), _time).CpuPercent);

    [Fact]
    public void Two_readings_at_one_moment_have_no_rate() => Assert.Null(VmRates.Between(Reading(5, cpu: 1), Reading(5, cpu: 2), _time).CpuPercent);

    [Fact]
    public void A_card_that_has_come_counts_from_its_second_reading()
    {
        var old = new NicReading(0, 100, 0, 0, 0, 0);
        var plugged = new NicReading(1, 1_000_000, 0, 0, 0, 0);
        var figures = VmRates.Between(Reading(0, nics: old), Reading(10, nics: [old with { ReceivedBytes = 200 }, plugged]), _time);
        Assert.Equal(10, figures.NetReceiveBytesPerSecond);
        Assert.Null(VmRates.Between(Reading(0, nics: old), Reading(10, nics: plugged), _time).NetReceiveBytesPerSecond);
    }

    [Fact]
    public void The_engines_rates_have_their_own_interval()
    {
        VmAnswer Answer(double seconds, long factor) => new((long)(seconds * _time.TimestampFrequency), new VmCounters
        {
            BalloonBytes = 400 << 20,
            Exits = 1000 * factor,
            Guest = new GuestMemory { At = default, SwappedInBytes = 50 * factor },
            Disks =
            [
                new VmDiskCounters { Device = "disk0", Reads = 10 * factor, ReadBytes = 4096 * factor, ReadTime = TimeSpan.FromMilliseconds(20 * factor), Writes = 5, WriteBytes = 512, WriteTime = TimeSpan.FromMilliseconds(1), Flushes = 0 },
                new VmDiskCounters { Device = "disk1", Reads = 0, ReadBytes = 0, ReadTime = default, Writes = 0, WriteBytes = 0, WriteTime = default, Flushes = 0 },
            ],
        });
        var figures = VmRates.With(VmRates.Between(null, Reading(0) with { Answer = Answer(0, 1) }, _time), Answer(0, 1), Answer(10, 3), _time);
        Assert.Equal(819.2, figures.DiskReadBytesPerSecond);
        Assert.Equal(2, figures.DiskReadsPerSecond);
        Assert.Equal(2, figures.DiskReadMilliseconds!.Value, 6);
        Assert.Equal(0, figures.DiskWritesPerSecond);
        Assert.Null(figures.DiskWriteMilliseconds);
        Assert.Equal(200, figures.ExitsPerSecond);
        Assert.Equal(10, figures.GuestSwapInBytesPerSecond);
        Assert.Equal(112 << 20, figures.BalloonBytes);
    }
}
