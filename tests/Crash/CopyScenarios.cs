using Lamina.Api;
using Lamina.Api.Client;
using static Lamina.Tests.Crash.Scenarios;

namespace Lamina.Tests.Crash;

/// <summary>Clones, exports, images from VMs, and disks that move.</summary>
internal static class CopyScenarios
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("clone") { Before = [Create(Web)], Steps = [Clone(new VmClone { Name = "copy" })] },
        new("clone-running") { Before = [Launch(Web)], Steps = [Clone(new VmClone { Name = "copy" })] },
        new("clone-linked") { Before = [Create(Web), Freeze], Steps = [Clone(new VmClone { Name = "copy", Linked = true })] },
        new("clone-linked-to-snapshot") { Before = [Launch(Web), SnapshotScenarios.Take("one")], Steps = [Clone(new VmClone { Name = "copy", Linked = true, Snapshot = "one" })] },
        new("clone-uefi") { Before = [CreateUefi], Steps = [Clone(new VmClone { Name = "copy" })] },
        new("export") { Before = [Launch(Web)], Steps = [Export] },
        new("capture") { Before = [Create(Web)], Steps = [Capture] },
        new("disk") { Steps = [MakeDisk, DeleteDisk] },
        new("disk-move") { Before = [MakePool, MakeDisk], Steps = [MoveDisk] },
    ];

    private static Step Freeze => new("template", session => session.Client.Vms.SetTemplateAsync(Web, new VmTemplateRequest(), session.Gone));

    private static Step CreateUefi => Ask("create", "/v1/vms", Small(Web) with { Firmware = VmFirmware.Uefi });

    /// <summary>What its first commit begins goes on by itself: the clone is whole once that has ended.</summary>
    private static Step Clone(VmClone clone) => new("clone", async session =>
    {
        await session.DoAsync("clone", $"{VmPath}/clone", clone, ApiJson.Default.VmClone);
        await session.WaitForVmAsync(clone.Name, made => made.Status is { State: VmState.Stopped });
    });

    /// <summary>A file that waits to be fetched is forgotten with its daemon; removing it then is no error.</summary>
    private static Step Export => new("export", async session =>
    {
        string operation = await session.DoAsync("export", $"{VmPath}/export", new VmExport(), ApiJson.Default.VmExport);
        try
        {
            await session.Client.Exports.DeleteAsync(operation, session.Gone);
        }
        catch (LaminaException forgotten) when (forgotten.Problem.Code == "export.notFound")
        {
            // The daemon that had made it is gone.
        }
    });

    private static Step Capture => new(
        "capture", session => session.DoAsync("capture", $"{VmPath}/image", new VmCapture { Name = "captured" }, ApiJson.Default.VmCapture));

    private static Step MakeDisk => new(
        "make disk", session => session.DoAsync("make disk", "/v1/disks", new DiskCreate { Name = "data", SizeBytes = 1 << 20 }, ApiJson.Default.DiskCreate));

    private static Step DeleteDisk => new("delete disk", session => session.DeleteAsync("/v1/disks/data"));

    private static Step MakePool => new("make pool", session => session.Client.Pools.CreateAsync(
        new PoolCreate { Name = "second", Path = session.World.SecondPool }, session.Gone));

    private static Step MoveDisk => new(
        "move disk", session => session.DoAsync("move disk", "/v1/disks/data/move", new DiskMove { Pool = "second" }, ApiJson.Default.DiskMove));
}
