using System.Security.Cryptography;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Testing.Media;

namespace Lamina.Tests.Integration.Vms;

/// <summary>What a person does at a guest by the API: files in and out, its screen, its keyboard; and what follows when the guest hangs or panics.</summary>
public class GuestHandlingTests(GuestDaemon guests) : IClassFixture<GuestDaemon>
{
    /// <summary>Arms the i6300esb and never feeds it: its registers as its data sheet (Intel 300641) and QEMU's hw/watchdog/wdt_i6300esb.c have them.</summary>
    private const string ArmWatchdog =
        """
        D=/sys/bus/pci/devices/0000:00:0d.0; echo 1 > $D/enable; B=$(head -c 18 $D/resource)
        open() { devmem $((B+12)) 8 0x80; devmem $((B+12)) 8 0x86; }
        open; devmem $((B)) 32 0x100; open; devmem $((B+4)) 32 0x100
        printf '\002' | dd of=$D/config bs=1 seek=104 conv=notrunc
        """;

    [Fact]
    public async Task Files_screen_and_keyboard_of_a_guest()
    {
        var vm = await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("hands", "mknod /dev/tty1 c 4 1; (while read line < /dev/tty1; do echo TYPED-$line; done) &"));
        await guests.SaysAsync(vm, SmallLinux.Agent);
        var vms = guests.Client.Vms;

        byte[] big = RandomNumberGenerator.GetBytes(400_003);
        await vms.PushFileAsync("hands", "/tmp/big", "640", "12:34", new MemoryStream(big), progress: null, guests.Deadline);
        Assert.Equal("640 12 34 400003\n", await RunAsync("stat -c '%a %u %g %s' /tmp/big"));
        using var back = new MemoryStream();
        await vms.PullFileAsync("hands", "/tmp/big", back, progress: null, guests.Deadline);
        Assert.Equal(big, back.ToArray());
        await vms.PushFileAsync("hands", "/tmp/empty", null, null, new MemoryStream(), progress: null, guests.Deadline);
        using var nothing = new MemoryStream();
        await vms.PullFileAsync("hands", "/tmp/empty", nothing, progress: null, guests.Deadline);
        Assert.Equal(0, nothing.Length);
        Assert.Equal("agent.refused", (await RefusedAsync(vms.PullFileAsync("hands", "/no/such", nothing, null, guests.Deadline))).Code);
        Assert.Equal("agent.refused", (await RefusedAsync(vms.PushFileAsync("hands", "/no/such", null, null, new MemoryStream(), null, guests.Deadline))).Code);
        Assert.Equal(["?path", "?mode", "?owner"], (await RefusedAsync(vms.PushFileAsync("hands", "here", "999", "a;b", new MemoryStream(), null, guests.Deadline))).Problems!.Select(problem => problem.Path));

        using var picture = new MemoryStream();
        await vms.CopyScreenshotAsync("hands", picture, guests.Deadline);
        Assert.Equal("PNG\r\n"u8, picture.ToArray().AsSpan(1, 5));

        await vms.PressKeysAsync("hands", new VmKeysRequest { Text = "Hello, 42!\n" }, guests.Deadline);
        await guests.SaysAsync(vm, "TYPED-Hello, 42!");
        await vms.PressKeysAsync("hands", new VmKeysRequest { Keys = ["shift-x", "enter"] }, guests.Deadline);
        await guests.SaysAsync(vm, "TYPED-X");
    }

    [Fact]
    public async Task A_guest_that_lets_its_watchdog_run_out_is_powered_off_as_is_asked()
    {
        await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("hung", ArmWatchdog) with { Watchdog = WatchdogAction.PowerOff });
        var stopped = await guests.UntilAsync("hung", vm => vm.Status is { State: VmState.Stopped });
        Assert.Equal((StopCause.Watchdog, null), (stopped.Status!.StopCause, stopped.Status.RestartAt));
        Assert.Contains("vm.watchdog", await guests.Client.Vms.GetLogAsync("hung", guests.Deadline), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_guest_that_panicked_is_started_again()
    {
        // It panics once: the second boot finds the mark on the disk.
        await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("fragile", "if [ $(head -c 4 /dev/vda) = mark ]; then exit 0; fi; printf mark > /dev/vda; sync; echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger"));
        var again = await guests.UntilAsync("fragile", vm => vm.Status is { State: VmState.Running, Run: 2 });
        Assert.Equal(1, again.Status!.Crashes);
        Assert.Contains("vm.panicked", await guests.Client.Vms.GetLogAsync("fragile", guests.Deadline), StringComparison.Ordinal);
    }

    private async Task<string> RunAsync(string command) =>
        (await guests.Client.Vms.ExecAsync("hands", new VmExecRequest { Command = ["/bin/sh", "-c", command] }, guests.Deadline)).Output;

    private static async Task<Problem> RefusedAsync(Task asking) => (await Assert.ThrowsAsync<LaminaException>(() => asking)).Problem;
}
