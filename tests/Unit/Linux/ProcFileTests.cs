using Lamina.Linux.Cgroups;
using Lamina.Linux.Host;
using Lamina.Linux.Processes;
using Xunit;

namespace Lamina.Tests.Unit.Linux;

public class ProcFileTests
{
    [Theory]
    [InlineData("")]
    [InlineData("12 (x")]
    [InlineData("12 (x) S 1 2")]
    [InlineData("12 (x) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 nineteen 20")]
    public void A_stat_that_is_none_is_null(string text) => Assert.Null(ProcessStat.Parse(text));

    [Theory]
    [InlineData("sleep")]
    [InlineData("a b) S 9 (c")]
    [InlineData("\n")]
    public void The_command_of_a_process_may_hold_anything(string command)
    {
        var stat = ProcessStat.Parse($"4711 ({command}) S 17 4711 4711 0 -1 4194304 115 0 0 0 30 12 0 0 20 0 1 0 987654 5668864 230 18446744073709551615\n");
        Assert.Equal(new ProcessStat('S', 987654), stat);
    }

    [Theory]
    [InlineData('Z', true)]
    [InlineData('X', true)]
    [InlineData('D', false)]
    [InlineData('T', false)]
    public void A_zombie_is_dead(char state, bool dead) => Assert.Equal(dead, new ProcessStat(state, 0).IsDead);

    [Fact]
    public void Cgroup_mounts_of_both_versions_are_found()
    {
        const string text = """
            31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
            32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
            39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:1 master:2 - cgroup2 cgroup2 rw
            garbage - x
            """;
        var mounts = CgroupMounts.Parse(text, "hugetlb");
        Assert.Equal("/sys/fs/cgroup/cpu,cpuacct", mounts.RootOf("cpuacct"));
        Assert.Equal("/sys/fs/cgroup/pids", mounts.RootOf("pids"));
        Assert.Equal("/sys/fs/cgroup/unified", mounts.V2Root);
        Assert.False(mounts.HasUsableV2);
        Assert.True((mounts with { V2Controllers = ["cpu", "memory", "pids", "io"] }).HasUsableV2);
        Assert.Contains("memory", Assert.Throws<Lamina.Linux.LinuxException>(() => mounts.RootOf("memory")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_is_read_in_bytes()
    {
        Assert.Equal(new MemoryFacts(8_000L * 1024, 5_000L * 1024), MemoryFacts.Parse("MemTotal:        8000 kB\nMemFree: 1 kB\nMemAvailable:    5000 kB\n"));
        Assert.Throws<InvalidDataException>(() => MemoryFacts.Parse("MemTotal: 8000 kB\n"));
    }

    [Fact]
    public void Threads_of_one_core_count_once()
    {
        const string text = """
            processor	: 0
            vendor_id	: GenuineIntel
            model name	: Some CPU : fast
            physical id	: 0
            core id		: 0
            flags		: fpu vmx ept

            processor	: 1
            vendor_id	: GenuineIntel
            physical id	: 0
            core id		: 0

            processor	: 2
            vendor_id	: GenuineIntel
            physical id	: 1
            core id		: 0

            """;
        var cpu = CpuFacts.Parse(text);
        Assert.Equal(("GenuineIntel", "Some CPU : fast", 2, 3), (cpu.Vendor, cpu.Model, cpu.Cores, cpu.Threads));
        Assert.Superset(new HashSet<string> { "vmx", "ept" }, cpu.Flags.ToHashSet());
        Assert.Equal(0, CpuFacts.Parse("").Threads);
    }
}
