using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;

namespace Lamina.Engine.Qemu;

/// <summary>From the monitor's events to the engine's. Pure.</summary>
internal static class QemuEvents
{
    private const string StopAction = "stop";

    /// <summary>Null = of no concern to anybody above.</summary>
    /// <exception cref="QmpProtocolException">The event's data are not what QEMU's schema says.</exception>
    public static VmEvent? Translate(QmpEvent received, long epoch, long run) => received.Name switch
    {
        "SHUTDOWN" => QmpEvents.Shutdown.Read(received) is var data ? new VmShutdown(epoch, run, data.Guest, data.Reason) : null,
        "RESET" => QmpEvents.Reset.Read(received) is var data ? new VmReset(epoch, run, data.Guest, data.Reason) : null,
        "STOP" => new VmStopped(epoch, run),
        "RESUME" => new VmResumed(epoch, run),
        "GUEST_PANICKED" => new VmPanicked(epoch, run),
        "WATCHDOG" => new VmWatchdogFired(epoch, run),
        "BLOCK_IO_ERROR" => DiskError(QmpEvents.BlockIoError.Read(received), epoch, run),
        "DEVICE_DELETED" => QmpEvents.DeviceDeleted.Read(received).Device is { } device ? new VmDeviceDeleted(epoch, run, device) : null,
        "DEVICE_TRAY_MOVED" => new VmDeviceChanged(epoch, run, QmpDeviceEvents.TrayMoved.Read(received).Id),
        "MEMORY_DEVICE_SIZE_CHANGE" => QmpDeviceEvents.MemorySize.Read(received).Id is { } memory ? new VmDeviceChanged(epoch, run, memory) : null,
        "MIGRATION" => new VmMigrationChanged(epoch, run, MigrationPhases.Parse(QmpMigrationEvents.Migration.Read(received).Status)),
        _ => null,
    };

    /// <summary>A node bears its device's id (disk0); the file below it, and layers, the same with an ending.</summary>
    public static string DeviceOf(string node) => node.Split('-', 2)[0];

    private static VmBlockIoError DiskError(BlockIoErrorEventData data, long epoch, long run)
    {
        var node = data.NodeName ?? "";
        return new VmBlockIoError(epoch, run, data.Device.Length > 0 ? data.Device : DeviceOf(node), node, data.NoSpace ?? false,
            data.Action == StopAction, data.Reason);
    }
}
