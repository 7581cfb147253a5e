using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Rules;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

public class VmForecastTests
{
    [Fact]
    public void WhatMayNotBeMadeHasNoForecast()
    {
        var refused = Assert.Throws<InputException>(() => Forecast(new VmCreate { Name = "UPPER", Cpus = 0 }, TestSnapshots.Installation()));
        Assert.Equal(["$.name", "$.cpus"], refused.Problems.Select(problem => problem.Path));
    }

    [Fact]
    public void ItLandsWhereItWouldBePlacedAndSaysWhatItTakes()
    {
        var forecast = Forecast(new VmCreate { Name = "web1", Image = "debian/12", MemoryMiB = 1024 }, TwoHosts());
        Assert.Equal(("host-1", "host-1"), (forecast.Host, forecast.HostName));
        Assert.Equal("Host 'host-1' has most to spare (8192 of 8192 MiB free, 0 vCPUs on 4 cores); next was 'host-2' (4096 of 4096 MiB free, 0 vCPUs on 4 cores).", forecast.Why!.Reason);
        Assert.Null(forecast.Refusal);
        // The guest's, 64 for QEMU, 128 for TCG's cache, 16 for the screen.
        Assert.Equal([("host-1", true, 1232, 8192), ("host-2", true, 1232, 4096)], forecast.Hosts.Select(host => (host.Host, host.Fits, host.NeededMiB, host.FreeMiB)));
        var disk = Assert.Single(forecast.Disks);
        Assert.Equal(("web1-disk0", 2L << 30, "default"), (disk.Name, disk.SizeBytes, disk.PoolName));
    }

    [Fact]
    public void AHostThatCannotTakeItSaysWhy()
    {
        var forecast = Forecast(new VmCreate { Name = "big", MemoryMiB = 6000 }, TwoHosts());
        Assert.Equal("host-1", forecast.Host);
        var other = forecast.Hosts.Single(host => host.Host == "host-2");
        Assert.False(other.Fits);
        Assert.Equal("placement.memory", Assert.Single(other.Reasons).Code);
    }

    [Fact]
    public void WithoutAHostItSaysWhyNot()
    {
        var closed = TestSnapshots.Installation().Add(Keys.Hosts.Spec, "host-1", new HostSpec { Name = "host-1", Maintenance = new HostMaintenance { Since = TestVms.Epoch, Operation = "o" } });
        var forecast = Forecast(new VmCreate { Name = "web1" }, closed);
        Assert.Null(forecast.Host);
        Assert.Equal("placement.noHost", forecast.Refusal!.Code);
        Assert.Equal("placement.closed", Assert.Single(Assert.Single(forecast.Hosts).Reasons).Code);
    }

    [Fact]
    public void ADiskThatNamesNoPoolGoesToThatOfTheHost()
    {
        var snapshots = TwoHosts()
            .Add(Keys.Pools.Spec, "pool-1", new PoolSpec { Name = "default", Path = "/nowhere", Host = "host-1", IsDefault = true })
            .Add(Keys.Pools.Spec, "pool-2", new PoolSpec { Name = "default-2", Path = "/nowhere", Host = "host-2", IsDefault = true })
            .Add(Keys.Pools.Status, "pool-2", new PoolStatus { Available = true, FreeBytes = 5 })
            .Add(Keys.Hosts.Spec, "host-1", new HostSpec { Name = "host-1", Maintenance = new HostMaintenance { Since = TestVms.Epoch, Operation = "o" } });
        var forecast = Forecast(new VmCreate { Name = "data", Disks = [new VmDiskCreate { SizeBytes = 1 << 30 }] }, snapshots);
        Assert.Equal("host-2", forecast.Host);
        var disk = Assert.Single(forecast.Disks);
        Assert.Equal(("pool-2", "default-2", 5L), (disk.Pool, disk.PoolName, disk.PoolFreeBytes));
    }

    private static VmForecast Forecast(VmCreate create, TestSnapshots snapshots)
    {
        var snapshot = snapshots.Build();
        return VmForecasts.Of(snapshot, VmRules.Create(create, new VmLookups(snapshot, "default") { HostId = "host-1" }, TestVms.Epoch));
    }

    private static TestSnapshots TwoHosts() => TestSnapshots.Installation()
        .Add(Keys.Hosts.Spec, "host-2", new HostSpec { Name = "host-2" })
        .Add(Keys.Hosts.Status, "host-2", new HostStatus
        {
            Incarnation = "boot-2/nonce",
            BootId = "boot-2",
            DaemonVersion = "0",
            Cores = 4,
            MemoryMiB = 4096,
            Accelerator = new Accelerator { Kind = AcceleratorKind.Tcg, Reason = "test" },
            DefaultCpuModel = "Westmere-v1",
            DefaultMachineType = "pc-q35-7.2",
        });
}
