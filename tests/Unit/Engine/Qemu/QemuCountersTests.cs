using System.Text.Json;
using Lamina.Engine.Qemu;
using Lamina.Engine.Qmp;

namespace Lamina.Tests.Unit.Engine.Qemu;

/// <summary>Answers as QEMU 7.2 gave them; those of KVM by its schema.</summary>
public sealed class QemuCountersTests
{
    [Theory]
    [InlineData("/machine/peripheral/disk0/virtio-backend", "disk0")]
    [InlineData("disk7", "disk7")]
    [InlineData("cd0", null)]
    [InlineData("/machine/peripheral/cd0", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void Only_disks_count(string? qdev, string? device) => Assert.Equal(device, QemuCounters.DiskOf(new BlockStats { Qdev = qdev, Stats = Stats })?.Device);

    [Fact]
    public void Nanoseconds_become_times() => Assert.Equal(TimeSpan.FromMilliseconds(1.5), QemuCounters.DiskOf(new BlockStats { Qdev = "disk0", Stats = Stats })!.ReadTime);

    [Fact]
    public void What_the_guest_does_not_tell_is_null()
    {
        var told = QemuCounters.GuestOf(new BalloonGuestStats { Stats = new Dictionary<string, ulong> { ["stat-free-memory"] = 5, ["stat-available-memory"] = ulong.MaxValue }, LastUpdate = 1_700_000_000 })!;
        Assert.Equal(5, told.FreeBytes);
        Assert.Null(told.AvailableBytes);
        Assert.Null(told.SwappedInBytes);
        Assert.Equal(1_700_000_000, told.At.ToUnixTimeSeconds());
        Assert.Null(QemuCounters.GuestOf(new BalloonGuestStats { Stats = new Dictionary<string, ulong>(), LastUpdate = 0 }));
    }

    [Fact]
    public void Exits_of_all_cpus_are_summed_up()
    {
        StatsResult Cpu(string value) => new() { Provider = "kvm", Stats = [new NamedStat { Name = "exits", Value = JsonDocument.Parse(value).RootElement }] };
        Assert.Equal(30, QemuCounters.SumOf([Cpu("10"), Cpu("20")]));
        Assert.Null(QemuCounters.SumOf([]));
        Assert.Null(QemuCounters.SumOf([Cpu("[1, 2]")]));
    }

    private static BlockDeviceStats Stats => new() { ReadBytes = 1, WriteBytes = 2, Reads = 3, Writes = 4, Flushes = 5, ReadNanoseconds = 1_500_000, WriteNanoseconds = 0 };
}
