using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Linux.Processes;
using Lamina.Testing.Media;
using Lamina.Testing.Metrics;
using Lamina.Tests.Integration.Vms;

namespace Lamina.Tests.Integration.Metrics;

/// <summary>A real guest, measured by a whole daemon, and its balloon moved.</summary>
public sealed class GuestMetricsTests(GuestDaemon guests) : IClassFixture<GuestDaemon>
{
    private const long MiB = 1 << 20;

    [Fact]
    public async Task A_guest_is_measured_and_its_balloon_obeys()
    {
        var vm = await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("measured") with { MemoryMinMiB = 64 });
        await guests.SaysAsync(vm, SmallLinux.Ready);
        await guests.Client.Vms.UpdateAsync(vm.Id, new VmUpdate { BalloonMiB = 128 }, null, guests.Deadline);
        var figures = await FiguresAsync(vm, found => found is { BalloonBytes: 64 * MiB, CpuPercent: not null, DiskReadsPerSecond: not null, GuestAvailableBytes: > 0 });
        Assert.Equal(192 * MiB, figures.MemoryBytes);
        Assert.InRange(figures.GuestResidentBytes!.Value, 20 * MiB, 192 * MiB);
        Assert.True(figures.OverheadBytes > 10 * MiB);
        Assert.NotNull(figures.VcpuPercent);
        Assert.NotNull(figures.NetSendBytesPerSecond);

        var families = PrometheusParser.Parse(await guests.Client.Metrics.GetPrometheusTextAsync(guests.Deadline));
        double Of(string family) => Assert.Single(families.Single(each => each.Name == family).Samples, sample => sample.Labels.GetValueOrDefault("vm") == "measured").Value;
        Assert.True(Of("lamina_vm_cpu_seconds_total") > 0);
        Assert.True(Of("lamina_vm_network_transmit_bytes_total") > 0);
        Assert.Equal(64 * MiB, Of("lamina_vm_memory_balloon_bytes"));
        Assert.Equal("running", families.Single(each => each.Name == "lamina_vm_state").Samples.Single(sample => sample.Labels["vm"] == "measured").Labels["state"]);

        var past = await guests.Client.Vms.GetMetricsAsync(vm.Id, new MetricRange("-10m", null, null), guests.Deadline);
        Assert.Equal(10, past.StepSeconds);
        Assert.Contains(past.Series.Single(series => series.Name == "cpuPercent").Values, value => value is not null);
        await HostAsync(families);
    }

    [Fact]
    public async Task Memory_that_may_be_merged_is_private_to_its_QEMU()
    {
        var vm = await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("merged") with { MergeMemory = true });
        await guests.SaysAsync(vm, SmallLinux.Ready);
        var memory = ProcessMemory.Read(guests.ProcessOf(vm))!;
        Assert.True(memory.SharedBytes < 10 * MiB, $"{memory.SharedBytes} bytes are shared");
        Assert.True(memory.AnonymousBytes > 50 * MiB);
    }

    private async Task HostAsync(IReadOnlyList<PrometheusFamily> families)
    {
        var host = await HostNowAsync();
        var report = await guests.Client.Hosts.GetMemoryAsync(host.Name, guests.Deadline);
        Assert.True(report.PromisedBytes > 192 * MiB);
        Assert.Equal(64 * MiB, report.BalloonBytes);
        Assert.Equal(report.TotalBytes, families.Single(each => each.Name == "lamina_host_memory_bytes").Samples.Single().Value);
        var changed = await guests.Client.Hosts.UpdateAsync(host.Name, new HostUpdate { Memory = new HostMemoryPolicyUpdate { OvercommitPercent = 150 } }, null, guests.Deadline);
        Assert.Equal(150, changed.Spec.Memory.OvercommitPercent);
        Assert.Equal(report.TotalBytes / 100 * 150, (await guests.Client.Hosts.GetMemoryAsync(host.Name, guests.Deadline)).CapacityBytes);
        var refused = await Assert.ThrowsAsync<LaminaException>(() =>
            guests.Client.Hosts.UpdateAsync(host.Name, new HostUpdate { Memory = new HostMemoryPolicyUpdate { OvercommitPercent = 5 } }, null, guests.Deadline));
        Assert.Equal("$.memory.overcommitPercent", Assert.Single(refused.Problem.Problems!).Path);
    }

    private async Task<Host> HostNowAsync()
    {
        await foreach (var host in guests.Client.Hosts.ListAsync(guests.Deadline)) return host;
        throw new InvalidOperationException("no host");
    }

    private async Task<VmFigures> FiguresAsync(Vm vm, Func<VmFigures, bool> wanted)
    {
        while (true)
        {
            var now = await guests.Client.Metrics.GetNowAsync(null, guests.Deadline);
            if (now.Vms.FirstOrDefault(each => each.Id == vm.Id) is { } figures && wanted(figures)) return figures;
            await Task.Delay(TimeSpan.FromMilliseconds(500), guests.Deadline);
        }
    }
}
