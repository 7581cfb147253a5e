using Lamina.Api;
using static Lamina.Tests.Crash.Scenarios;

namespace Lamina.Tests.Crash;

/// <summary>Devices that come while the guest runs, and go when it has stopped: a guest without a system gives none back.</summary>
internal static class DeviceScenarios
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("plug-disk") { Before = [Launch(Web)], Steps = [AddDisk, Throttle, Stop, Remove("disks/1?delete=true")] },
        new("plug-nic") { Before = [Launch(Web)], Steps = [AddNic, SlowDown, Stop, Remove("nics/1")] },
        new("change-medium") { Before = [LaunchWithDrive], Steps = [ChangeMedium("eject", null), ChangeMedium("insert", Medium)] },
        new("change-memory") { Before = [LaunchGrowing], Steps = [ChangeMemory(192), ChangeMemory(64)] },
    ];

    private static Step LaunchWithDrive => Ask("launch", "/v1/vms", Small(Web) with { Isos = [Medium], Start = true });

    private static Step LaunchGrowing => Ask("launch", "/v1/vms", Small(Web) with { MaxMemoryMiB = 256, Start = true });

    private static Step AddDisk => new(
        "add disk", session => session.DoAsync("add disk", $"{VmPath}/disks", new VmDiskAdd { SizeBytes = 1 << 20 }, ApiJson.Default.VmDiskAdd));

    private static Step Throttle => new("grow and throttle", session => session.ChangeAsync("grow and throttle", () =>
        session.Client.VmDevices.UpdateDiskAsync(Web, "1", new VmDiskUpdate { SizeBytes = 2 << 20, Limits = new DiskLimits { Iops = 100 } }, session.Gone)));

    private static Step AddNic => new(
        "add NIC", session => session.DoAsync("add NIC", $"{VmPath}/nics", new VmNicCreate(), ApiJson.Default.VmNicCreate));

    private static Step SlowDown => new("slow down", session => session.ChangeAsync("slow down", () =>
        session.Client.VmDevices.UpdateNicAsync(Web, 1, new VmNicUpdate { InboundKbps = 1000, OutboundKbps = 1000 }, session.Gone)));

    private static Step Remove(string device) => new($"remove {device}", session => session.DeleteAsync($"{VmPath}/{device}"));

    private static Step ChangeMedium(string verb, string? medium) => new(verb, session => session.ChangeAsync(verb, () => medium is null
        ? session.Client.VmDevices.EjectAsync(Web, 0, force: true, session.Gone)
        : session.Client.VmDevices.InsertAsync(Web, 0, medium, force: true, session.Gone)));

    private static Step ChangeMemory(int memoryMiB) => new(
        $"memory {memoryMiB}", session => session.Client.Vms.UpdateAsync(Web, new VmUpdate { MemoryMiB = memoryMiB }, null, session.Gone));
}
