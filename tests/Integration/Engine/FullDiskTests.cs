using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Linux.Processes;
using Lamina.Testing.Engine;

namespace Lamina.Tests.Integration.Engine;

public class FullDiskTests
{
    [Fact]
    public async Task A_full_pool_stops_the_guest_and_room_lets_it_go_on_where_it_was()
    {
        await using var host = new EngineHost();
        var pool = Directory.CreateDirectory(Path.Combine(host.Folder, "pool")).FullName;
        await MountAsync(host, "mount", "-t", "tmpfs", "-o", "size=4m", "lamina-test", pool);
        try
        {
            var definition = await host.SmallLinuxAsync("dd if=/dev/urandom of=/dev/vda bs=1M count=8 oflag=direct && echo WRITTEN-$((3+4))") with
            {
                Disks = [new DiskDefinition { Slot = 0, Path = await host.ImageAsync("pool/disk", "qcow2"), Format = DiskFormat.Qcow2 }],
            };
            await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
            await vm.ContinueAsync(permit: null, host.Deadline);

            var error = await vm.Events.NextAsync<VmBlockIoError>(host.Deadline);
            Assert.Equal(("disk0", true, true), (error.Device, error.NoSpace, error.Stopped));
            await vm.Events.NextAsync<VmStopped>(host.Deadline);
            Assert.Equal(RunState.IoError, await vm.QueryStateAsync(host.Deadline));
            Assert.Equal([new DiskProblem("disk0", NoSpace: true)], await vm.QueryDiskProblemsAsync(host.Deadline));

            await MountAsync(host, "mount", "-o", "remount,size=64m", pool);
            await vm.ContinueAsync(permit: null, host.Deadline);
            await vm.Serial.WaitForAsync("WRITTEN-7", host.Deadline);
            Assert.Empty(await vm.QueryDiskProblemsAsync(host.Deadline));
            await vm.KillAsync(host.Deadline);
        }
        finally
        {
            await MountAsync(host, "umount", "-l", pool);
        }
    }

    private static async Task MountAsync(EngineHost host, string program, params string[] arguments) => (await Command.RunAsync(
        new CommandSpec { Program = program, Arguments = arguments, Timeout = TimeSpan.FromSeconds(10) }, host.Deadline)).EnsureSuccess();
}
