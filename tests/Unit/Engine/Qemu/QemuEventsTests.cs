using System.Text.Json;
using Lamina.Engine;
using Lamina.Engine.Qemu;
using Lamina.Engine.Qmp;

namespace Lamina.Tests.Unit.Engine.Qemu;

public class QemuEventsTests
{
    public static TheoryData<string, string?, VmEvent?> Cases => new()
    {
        { "SHUTDOWN", """{"guest": true, "reason": "guest-shutdown"}""", new VmShutdown(3, 5, true, "guest-shutdown") },
        { "RESET", """{"guest": false, "reason": "host-qmp-system-reset"}""", new VmReset(3, 5, false, "host-qmp-system-reset") },
        { "STOP", null, new VmStopped(3, 5) },
        { "RESUME", null, new VmResumed(3, 5) },
        { "GUEST_PANICKED", """{"action": "pause"}""", new VmPanicked(3, 5) },
        { "DEVICE_DELETED", """{"device": "nic1", "path": "/machine/peripheral/nic1"}""", new VmDeviceDeleted(3, 5, "nic1") },
        { "DEVICE_DELETED", """{"path": "/machine/peripheral/nic1/virtio-backend"}""", null },
        {
            "BLOCK_IO_ERROR", """{"device": "", "node-name": "disk0", "operation": "write", "action": "stop", "nospace": true, "reason": "No space left on device"}""",
            new VmBlockIoError(3, 5, "disk0", "disk0", NoSpace: true, Stopped: true, "No space left on device")
        },
        {
            "BLOCK_IO_ERROR", """{"device": "", "node-name": "disk2-file", "operation": "read", "action": "report", "reason": "Input/output error"}""",
            new VmBlockIoError(3, 5, "disk2", "disk2-file", NoSpace: false, Stopped: false, "Input/output error")
        },
        { "RTC_CHANGE", """{"offset": 1}""", null },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void An_event_is_translated_with_its_epoch_and_run(string name, string? data, VmEvent? expected)
    {
        var received = new QmpEvent(name, data == null ? default : JsonDocument.Parse(data).RootElement);
        Assert.Equal(expected, QemuEvents.Translate(received, epoch: 3, run: 5));
    }
}
