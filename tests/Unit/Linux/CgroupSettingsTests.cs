using Lamina.Linux.Cgroups;
using Xunit;

namespace Lamina.Tests.Unit.Linux;

public class CgroupSettingsTests
{
    private static readonly CgroupLimits Some = new() { CpuQuotaPercent = 150, CpuWeight = 200, MemoryBytes = 1 << 30, Processes = 100 };

    [Fact]
    public void Limits_of_version_1() => Assert.Equal(
        [
            ("cpu", "cpu.cfs_period_us", "100000"), ("cpu", "cpu.cfs_quota_us", "150000"), ("cpu", "cpu.shares", "2048"),
            ("memory", "memory.limit_in_bytes", "1073741824"), ("pids", "pids.max", "100"),
        ],
        CgroupSettings.ForV1(Some));

    [Fact]
    public void Limits_of_version_2() => Assert.Equal(
        [("cpu.max", "150000 100000"), ("cpu.weight", "200"), ("memory.max", "1073741824"), ("pids.max", "100")], CgroupSettings.ForV2(Some));

    [Fact]
    public void No_limit_takes_an_earlier_one_away()
    {
        Assert.Equal(["100000", "-1", "1024", "-1", "max"], CgroupSettings.ForV1(new()).Select(setting => setting.Value));
        Assert.Equal(["max", "100", "max", "max"], CgroupSettings.ForV2(new()).Select(setting => setting.Value));
        Assert.Equal(["CPUQuota=", "CPUWeight=100", "MemoryMax=infinity", "TasksMax=infinity"], CgroupSettings.ForSystemd(new()));
    }

    [Fact]
    public void The_kernel_takes_no_quota_below_a_millisecond_and_no_share_below_two()
    {
        Assert.Equal("1000 100000", CgroupSettings.ForV2(new() { CpuQuotaPercent = 0 })[0].Value);
        Assert.Equal("10", CgroupSettings.ForV1(new() { CpuWeight = 1 })[2].Value);
        Assert.Equal("2", CgroupSettings.ForV1(new() { CpuWeight = 0 })[2].Value);
    }

    [Fact]
    public void A_systemd_scope_lies_in_the_slice_of_the_instance()
    {
        var scopes = new SystemdScopes("/sys/fs/cgroup", "lamina-0");
        Assert.Equal("/sys/fs/cgroup/lamina.slice/lamina-0.slice", scopes.SlicePath());
        Assert.Equal(
            [
                "--scope", "--quiet", "--collect", "--unit=lamina-0-4f0c.scope", "--slice=lamina-0.slice", "--property=Before=lamina-guests.service",
                "--property=CPUQuota=150%", "--property=CPUWeight=200", "--property=MemoryMax=1073741824", "--property=TasksMax=100", "--",
            ],
            scopes.LauncherArguments("4f0c", Some));
        Assert.Equal(
            ["set-property", "--runtime", "lamina-0-4f0c.scope", "CPUQuota=150%", "CPUWeight=200", "MemoryMax=1073741824", "TasksMax=100"],
            scopes.SetPropertyArguments("4f0c", Some));
    }
}
