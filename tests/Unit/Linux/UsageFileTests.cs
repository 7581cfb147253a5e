using Lamina.Linux.Host;
using Lamina.Linux.Processes;

namespace Lamina.Tests.Unit.Linux;

public sealed class UsageFileTests
{
    [Fact]
    public void Guests_time_is_taken_out_of_users()
    {
        var times = CpuTimes.Parse("cpu  1000 200 300 4000 50 6 7 80 900 100\ncpu0 1 2 3\n");
        Assert.Equal((1, 1, 3, 40, 0.5, 0.13, 0.8, 10), (times.UserSeconds, times.NiceSeconds, times.SystemSeconds, times.IdleSeconds, times.IoWaitSeconds, Math.Round(times.IrqSeconds, 6), times.StealSeconds, times.GuestSeconds));
        Assert.Equal(56.43, times.TotalSeconds, 6);
        Assert.Throws<InvalidDataException>(() => CpuTimes.Parse("cpu 1 2 3\n"));
    }

    [Fact]
    public void Pressure_has_two_lines_or_one()
    {
        var both = Pressure.Parse("some avg10=1.50 avg60=0.00 avg300=0.00 total=95235\nfull avg10=0.25 avg60=0.00 avg300=0.00 total=16002\n")!;
        Assert.Equal((1.5, 95_235_000, 0.25), (both.Some.Avg10Percent, both.Some.Total.TotalNanoseconds, both.Full!.Avg10Percent));
        Assert.Null(Pressure.Parse("some avg10=1.50 avg60=0.00 avg300=0.00 total=95235\n")!.Full);
        Assert.Null(Pressure.Parse("nonsense\n"));
        Assert.Null(Pressure.Parse(""));
    }

    [Fact]
    public void Shared_memory_is_no_cache()
    {
        var memory = MemoryUse.Parse("MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 600 kB\nBuffers: 10 kB\nCached: 500 kB\nSwapCached: 9 kB\nShmem: 200 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n", "pswpin 3\npswpout 4\noom_kill 5\n");
        Assert.Equal(310 * 1024, memory.CachedBytes);
        Assert.Equal((600 * 1024, 12_288, 16_384, 5), (memory.AvailableBytes, memory.SwappedInBytes, memory.SwappedOutBytes, memory.OomKills));
        Assert.Throws<InvalidDataException>(() => MemoryUse.Parse("MemFree: 1 kB\n", ""));
    }

    [Fact]
    public void Disks_count_in_sectors_of_512_bytes()
    {
        var disk = Assert.Single(DiskCounters.Parse(" 254       0 vda 628907 1 13884319 3 2 4 16 7 0 88 9 0 0 0 0 0 0\n short\n"));
        Assert.Equal(("vda", 628907, 13884319L * 512, 2, 16 * 512, 88), (disk.Device, disk.Reads, disk.ReadBytes, disk.Writes, disk.WriteBytes, disk.BusyTime.TotalMilliseconds));
    }

    [Fact]
    public void A_thread_of_the_kernel_has_no_memory()
    {
        Assert.Equal(new ProcessMemory(1024, 2048, 3072, 0), ProcessMemory.Parse("Name:\tx\nVmRSS:\t 6 kB\nRssAnon:\t       1 kB\nRssFile:\t 2 kB\nRssShmem:\t 3 kB\n"));
        Assert.Null(ProcessMemory.Parse("Name:\tkthreadd\n"));
    }

    [Theory]
    [InlineData("7696838 100 1\n", 76968, 1)]
    public void Schedstat(string text, long runTicks, long waitTicks) =>
        Assert.Equal(new ThreadTimes(TimeSpan.FromTicks(runTicks), TimeSpan.FromTicks(waitTicks)), ThreadTimes.Parse(text));

    [Fact]
    public void Schedstat_of_nothing() => Assert.Null(ThreadTimes.Parse(null) ?? ThreadTimes.Parse("x y z") ?? ThreadTimes.Parse(""));

    [Fact]
    public void This_process_is_read() => Assert.True(ProcessMemory.Read(Environment.ProcessId)!.AnonymousBytes > 0);
}
