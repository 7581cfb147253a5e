using Lamina.Api;
using Lamina.Server.Pools;
using Lamina.Testing.Storage;

namespace Lamina.Tests.Integration.Copies;

/// <summary>The daemon ends while it copies, at whatever line it then is: the next one does the rest, once, and leaves nothing lying about.</summary>
public sealed class CopyRestartTests(CopyDaemon world) : IClassFixture<CopyDaemon>
{
    [Fact]
    public async Task Copies_go_on_after_a_restart_of_the_daemon()
    {
        var source = await world.MakeVmAsync("source");
        string content = await world.ContentAsync(world.PathOf(source, 0), "source.raw");
        var second = new PoolPaths(world.File("second"));
        await world.SucceedsAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "second", Path = second.Root }, world.Deadline));

        await ThroughRestartAsync(world.Client.Vms.CloneAsync("source", new VmClone { Name = "whole" }, world.Deadline));
        await ThroughRestartAsync(world.Client.Vms.CloneAsync("source", new VmClone { Name = "away", Pool = "second" }, world.Deadline));
        await ThroughRestartAsync(world.Client.Vms.CaptureAsync("source", new VmCapture { Name = "captured" }, world.Deadline));
        await ThroughRestartAsync(world.Client.Disks.MoveAsync(source.Spec.Disks[0].Disk, new DiskMove { Pool = "second" }, world.Deadline));
        await ThroughRestartAsync(world.Client.Disks.CreateAsync(new DiskCreate { Name = "data", SizeBytes = 1 << 20 }, world.Deadline));
        await world.Client.Vms.SetTemplateAsync("source", new VmTemplateRequest(), world.Deadline);
        await ThroughRestartAsync(world.Client.Vms.CloneAsync("source", new VmClone { Name = "thin", Linked = true }, world.Deadline));

        await DiskFiles.CompareAsync(content, world.PathOf(await world.VmAsync("whole"), 0));
        await DiskFiles.CompareAsync(content, second.Disk((await world.VmAsync("away")).Spec.Disks[0].Disk, DiskFormat.Qcow2));
        await DiskFiles.CompareAsync(content, second.Disk(source.Spec.Disks[0].Disk, DiskFormat.Qcow2));
        await DiskFiles.CompareAsync(content, second.Disk((await world.VmAsync("thin")).Spec.Disks[0].Disk, DiskFormat.Qcow2));
        await DiskFiles.CompareAsync(content, world.Pool.Image((await world.Client.Images.GetAsync("captured", world.Deadline)).Value.Id));
        Assert.Empty(await world.Client.Disks.ListOrphansAsync(null, world.Deadline).ToListAsync(world.Deadline));
        Assert.Null((await world.VmAsync("source")).Status!.Job);
        CopyDaemon.AssertTidy(world.Pool);
        CopyDaemon.AssertTidy(second);
    }

    private async Task ThroughRestartAsync(Task<Operation> asking)
    {
        var operation = await asking;
        await world.Daemon.RestartAsync();
        var ended = await world.Client.Operations.WaitAsync(operation.Id, null, world.Deadline);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, $"{ended.Request.Kind}: {ended.State.Failure?.Message}");
    }
}
