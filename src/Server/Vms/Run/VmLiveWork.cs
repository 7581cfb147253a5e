using System.Globalization;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Placement;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>One change of one running VM: makes on the host what it needs, has the engine do it, and gives back what is left over.</summary>
internal sealed class VmLiveWork(VmHost host, string vmId, VmStepContext context, CancellationToken guest, CancellationToken engine)
{
    private IVm Vm => context.Watch!.Vm;

    private VmSpec Spec => context.Wanted.Spec;

    public Task DoAsync(VmStep.Change step) => step.What.Kind switch
    {
        VmLiveKind.Forget => ForgetAsync(step.What),
        VmLiveKind.UnplugDisk => EngineAsync(new VmChange.UnplugDisk(step.What.Slot)),
        VmLiveKind.UnplugCdrom => EngineAsync(new VmChange.UnplugCdrom(step.What.Slot)),
        VmLiveKind.UnplugNic => UnplugNicAsync(step.What.Slot),
        VmLiveKind.SetCpus => EngineAsync(new VmChange.SetCpus(Spec.Cpus)),
        VmLiveKind.SetMemory => SetMemoryAsync(),
        VmLiveKind.SetLimits => EngineAsync(new VmChange.SetLimits(
            Vm.Definition.Limits with { CpuQuotaPercent = VmDifferences.QuotaOf(Spec, Vm.Definition), CpuWeight = Spec.Limits?.CpuWeight })),
        VmLiveKind.PlugDisk => PlugDiskAsync(step.What.Slot),
        VmLiveKind.ResizeDisk => EngineAsync(new VmChange.ResizeDisk(step.What.Slot, long.Parse(step.What.Wanted, CultureInfo.InvariantCulture))),
        VmLiveKind.ThrottleDisk => EngineAsync(new VmChange.ThrottleDisk(step.What.Slot, VmDifferences.ThrottleOf(DiskAt(step.What.Slot).Limits))),
        VmLiveKind.PlugCdrom => MediumAsync(() => new VmChange.PlugCdrom(VmDefinitions.Cdrom(CdromAt(step.What.Slot), host.Resources.MediumPath))),
        VmLiveKind.ChangeMedium => MediumAsync(() => new VmChange.ChangeMedium(step.What.Slot, CdromAt(step.What.Slot).Iso is { } iso ? host.Resources.MediumPath(iso) : null, step.Force)),
        VmLiveKind.PlugNic => PlugNicAsync(NicAt(step.What.Slot)),
        _ => SetNicAsync(NicAt(step.What.Slot)),
    };

    private async Task MediumAsync(Func<VmChange> change)
    {
        await host.Resources.EnsureMediaAsync(Spec, CancellationToken.None);
        await EngineAsync(change());
    }

    private Task EngineAsync(VmChange change) => Vm.ChangeAsync(change, guest, engine);

    private VmDisk DiskAt(int slot) => Spec.Disks.First(disk => disk.Slot == slot);

    private VmCdrom CdromAt(int slot) => Spec.Cdroms.First(cdrom => cdrom.Slot == slot);

    private VmNic NicAt(int slot) => Spec.Nics.First(nic => nic.Slot == slot);

    /// <summary>What is not in the machine goes off the record; what is there after all stays.</summary>
    private async Task ForgetAsync(VmLiveChange what)
    {
        if (!(await Vm.FindMissingAsync(engine)).Contains(what.Wanted)) return;
        if (what.Wanted.StartsWith("disk", StringComparison.Ordinal)) await EngineAsync(new VmChange.UnplugDisk(what.Slot));
        else if (what.Wanted.StartsWith("cd", StringComparison.Ordinal)) await EngineAsync(new VmChange.UnplugCdrom(what.Slot));
        else await UnplugNicAsync(what.Slot);
    }

    private async Task PlugDiskAsync(int slot)
    {
        var disk = DiskAt(slot);
        await host.Resources.MakeDiskNowAsync(disk.Disk, host.Time, engine);
        var (paths, size) = host.Resources.DiskOf(disk.Disk);
        await EngineAsync(new VmChange.PlugDisk(VmDefinitions.Disk(disk, paths, size)));
    }

    private async Task PlugNicAsync(VmNic nic)
    {
        var tap = await host.Resources.PlugNicAsync(vmId, nic, engine);
        try
        {
            await EngineAsync(new VmChange.PlugNic(VmDefinitions.Nic(nic, tap)));
        }
        catch
        {
            if (Vm.Definition.Nics.All(known => known.Slot != nic.Slot)) host.Resources.UnplugNic(vmId, nic.Slot);
            throw;
        }
    }

    /// <summary>The cable is drawn first: a card that nobody's rules speak of any more must not send, however long its guest keeps it.</summary>
    private async Task UnplugNicAsync(int slot)
    {
        host.Resources.CutNic(vmId, slot);
        await EngineAsync(new VmChange.UnplugNic(slot));
        host.Resources.UnplugNic(vmId, slot);
    }

    private async Task SetNicAsync(VmNic nic)
    {
        if (nic.Network is { } network && Vm.Definition.Nics.First(known => known.Slot == nic.Slot).Network != network) await host.Resources.MoveNicAsync(vmId, nic, engine);
        await EngineAsync(new VmChange.SetNic(nic.Slot, nic.Link == NicLink.Up, nic.Network));
    }

    /// <summary>
    /// Memory is promised and the limit raised before the guest is given more, and both come down after it has given back. A guest that has not done
    /// all of it yet may do so later: then the larger promise stands.
    /// </summary>
    private async Task SetMemoryAsync()
    {
        var before = Vm.Definition;
        int old = before.MemoryMiB + before.PluggedMemoryMiB;
        var accelerator = VmWords.AcceleratorOf(before).Kind;
        var plug = new VmChange.SetMemory(Spec.MemoryMiB - before.MemoryMiB);
        if (Spec.MemoryMiB < old)
        {
            await EngineAsync(plug);
            await LimitAsync(before, Spec.MemoryMiB - old);
            host.Memory.Keep(vmId, Spec.MemoryMiB, accelerator);
            return;
        }

        host.Memory.Promise(vmId, Spec.Name, Spec.MemoryMiB, VmPlaces.Here(host, accelerator));
        try
        {
            await LimitAsync(before, Spec.MemoryMiB - old);
            await EngineAsync(plug);
        }
        catch (Exception failure) when (failure is not GuestDeclinedException)
        {
            host.Memory.Keep(vmId, old, accelerator);
            await LimitAsync(before, 0);
            throw;
        }
    }

    private async Task LimitAsync(VmDefinition before, int moreMiB)
    {
        if (before.Limits.MemoryLimitBytes is not { } limit) return;
        int footprint = VmFootprint.Of(before.MemoryMiB + before.PluggedMemoryMiB + moreMiB, AcceleratorKind.Kvm).LimitMiB;
        // TCG's cache has the size with which it was started.
        int cache = before.Accelerator == Engine.Accelerator.Tcg ? before.TbSizeMiB : 0;
        long wanted = moreMiB == 0 ? limit : (long)(footprint + cache) << 20;
        await EngineAsync(new VmChange.SetLimits(Vm.Definition.Limits with { MemoryLimitBytes = wanted }));
    }
}
