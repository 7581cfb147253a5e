using Lamina.Engine.Qmp;
using Lamina.Linux;

namespace Lamina.Engine.Qemu;

/// <summary>
/// Carries out <see cref="VmChange"/>s on a running QEMU. What is plugged stands in the record before, what is unplugged until after; so
/// after any death of the daemon the record names all that may be there, and doing the same again brings it about.
/// </summary>
internal sealed class QemuChanges(QemuVm vm, QemuMonitor monitor, EventWaiters events, Func<CancellationToken, Task<QemuFeatures>> features,
    TimeProvider time)
{
    private readonly QemuBlocks _blocks = new(monitor, time);

    private VmDefinition Definition => vm.Definition;

    private MachineLayout Layout => MachineLayout.Of(Definition);

    public Task DoAsync(VmChange change, CancellationToken deadline, CancellationToken cancellationToken) => change switch
    {
        VmChange.PlugDisk plug => PlugAsync(change, QemuDevices.Disk(plug.Disk, Layout), BlockNode.Of(plug.Disk), cancellationToken),
        VmChange.UnplugDisk unplug => UnplugAsync(change, QemuDevices.DiskId(unplug.Slot), deadline, cancellationToken),
        VmChange.ResizeDisk resize => ResizeAsync(resize, cancellationToken),
        VmChange.ThrottleDisk bound => ThrottleAsync(bound, cancellationToken),
        VmChange.PlugCdrom plug => PlugAsync(change, QemuDevices.Cdrom(plug.Cdrom, Layout), NodesOf(plug.Cdrom), cancellationToken),
        VmChange.UnplugCdrom unplug => UnplugAsync(change, QemuDevices.CdromId(unplug.Slot), deadline, cancellationToken),
        VmChange.ChangeMedium medium => ChangeMediumAsync(medium, deadline, cancellationToken),
        VmChange.PlugNic plug => PlugNicAsync(plug, cancellationToken),
        VmChange.UnplugNic unplug => UnplugNicAsync(unplug, deadline, cancellationToken),
        VmChange.SetNic set => SetNicAsync(set, cancellationToken),
        VmChange.SetCpus set => SetCpusAsync(set, deadline, cancellationToken),
        VmChange.SetMemory set => SetMemoryAsync(set, deadline, cancellationToken),
        _ => throw new ArgumentOutOfRangeException(nameof(change), change, "A change of no known kind."),
    };

    /// <summary>What no option of the command line can say: done before the guest's first instruction.</summary>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        foreach (var disk in Definition.Disks)
            if (disk.Throttle is { } throttle) await SetThrottleAsync(disk, throttle, cancellationToken);
        foreach (var nic in Definition.Nics.Where(nic => !nic.LinkUp)) await SetLinkAsync(nic.Slot, up: false, cancellationToken);
    }

    public async Task<IReadOnlyList<string>> FindMissingAsync(CancellationToken cancellationToken)
    {
        var there = await DevicesAsync(cancellationToken);
        var named = Definition.Disks.Select(disk => QemuDevices.DiskId(disk.Slot))
            .Concat(Definition.Cdroms.Select(cdrom => QemuDevices.CdromId(cdrom.Slot)))
            .Concat(Definition.Nics.Select(nic => QemuDevices.NicId(nic.Slot)));
        return [.. named.Where(id => !there.Contains(id))];
    }

    private static IEnumerable<BlockNode> NodesOf(CdromDefinition cdrom) =>
        cdrom.Path is { } path ? [BlockNode.Medium(QemuDevices.CdromId(cdrom.Slot), path)] : [];

    private async Task PlugAsync(VmChange change, DeviceOptions device, IEnumerable<BlockNode> nodes, CancellationToken cancellationToken)
    {
        var before = Definition;
        await vm.ReviseAsync(change.ApplyTo(before), cancellationToken);
        if (await IsThereAsync(device.Id, cancellationToken)) return;
        try
        {
            // Of an attempt that did not get to its end.
            await _blocks.RemoveAsync(device.Id, cancellationToken);
            await _blocks.AddAsync(nodes, cancellationToken);
            await AddDeviceAsync(device, cancellationToken);
            if (change is VmChange.PlugDisk { Disk.Throttle: { } throttle } plug) await SetThrottleAsync(plug.Disk, throttle, cancellationToken);
        }
        catch (Exception failure) when (failure is QmpErrorException or VmEngineException)
        {
            if (await IsThereAsync(device.Id, CancellationToken.None)) throw;
            await _blocks.RemoveAsync(device.Id, CancellationToken.None);
            await vm.ReviseAsync(before, CancellationToken.None);
            throw;
        }
    }

    private async Task AddDeviceAsync(DeviceOptions device, CancellationToken cancellationToken)
    {
        CrashPoints.Reached("qmp", "device_add", "before");
        await monitor.ExecuteAsync(QmpDeviceCommands.DeviceAdd, device.ToArguments(), cancellationToken);
        CrashPoints.Reached("qmp", "device_add", "after");
    }

    private async Task UnplugAsync(VmChange change, string device, CancellationToken deadline, CancellationToken cancellationToken)
    {
        await RemoveDeviceAsync(device, deadline, cancellationToken);
        await _blocks.RemoveAsync(device, cancellationToken);
        await vm.ReviseAsync(change.ApplyTo(Definition), cancellationToken);
    }

    /// <summary>Asks the guest to give the device back, and waits until it has. QEMU cannot withdraw the request: the guest may grant it later.</summary>
    private async Task RemoveDeviceAsync(string device, CancellationToken deadline, CancellationToken cancellationToken)
    {
        using var gone = events.Listen(happened => IsAnswer(happened, device));
        if (!await IsThereAsync(device, cancellationToken)) return;
        CrashPoints.Reached("qmp", "device_del", "before");
        try
        {
            await monitor.ExecuteAsync(QmpDeviceCommands.DeviceDelete, new DeviceIdArguments { Id = device }, cancellationToken);
        }
        catch (QmpErrorException) when (!deadline.IsCancellationRequested)
        {
            // It has been asked already; whether that is why is seen by what follows.
        }
        CrashPoints.Reached("qmp", "device_del", "after");
        if (!await IsThereAsync(device, cancellationToken)) return;
        await gone.NextAsync(deadline, cancellationToken);
        if (await IsThereAsync(device, cancellationToken))
            throw new GuestDeclinedException($"The guest has not given {device} back; it may be in use, or its system does not know how");
    }

    private static bool IsAnswer(QmpEvent happened, string device) => happened.Name switch
    {
        "DEVICE_DELETED" => QmpEvents.DeviceDeleted.Read(happened).Device == device,
        "DEVICE_UNPLUG_GUEST_ERROR" => QmpDeviceEvents.UnplugError.Read(happened).Device == device,
        _ => false,
    };

    private async Task ResizeAsync(VmChange.ResizeDisk resize, CancellationToken cancellationToken)
    {
        var device = QemuDevices.DiskId(resize.Slot);
        var inserted = (await _blocks.FindAsync(device, cancellationToken))?.Inserted
            ?? throw Impossible($"{device} is not in the machine", "Detach it, and attach it again.");
        // block_resize also shrinks (tried with 7.2), and what lay beyond is lost.
        if (inserted.Image.VirtualSize < resize.SizeBytes)
        {
            await monitor.ExecuteAsync(
                QmpDeviceCommands.BlockResize, new BlockResizeArguments { NodeName = inserted.NodeName!, Size = resize.SizeBytes }, cancellationToken);
            CrashPoints.Reached("qmp", "block_resize", "after");
        }
        await vm.ReviseAsync(resize.ApplyTo(Definition), cancellationToken);
    }

    private async Task ThrottleAsync(VmChange.ThrottleDisk bound, CancellationToken cancellationToken)
    {
        var disk = Definition.Disks.FirstOrDefault(disk => disk.Slot == bound.Slot) ?? throw Impossible($"there is no disk in slot {bound.Slot}", "Look at the VM.");
        await SetThrottleAsync(disk, bound.Throttle ?? new ThrottleDefinition(), cancellationToken);
        await vm.ReviseAsync(bound.ApplyTo(Definition), cancellationToken);
    }

    private async Task SetThrottleAsync(DiskDefinition disk, ThrottleDefinition throttle, CancellationToken cancellationToken)
    {
        var device = QemuDevices.DiskId(disk.Slot);
        await monitor.ExecuteAsync(QmpDeviceCommands.BlockThrottle, new BlockThrottleArguments
        {
            Id = disk.Bus == DiskBus.Virtio ? QemuBlocks.BackendOf(device) : device,
            Bps = throttle.Bytes, BpsRead = throttle.BytesRead, BpsWrite = throttle.BytesWrite,
            Iops = throttle.Iops, IopsRead = throttle.IopsRead, IopsWrite = throttle.IopsWrite,
        }, cancellationToken);
        CrashPoints.Reached("qmp", "block_set_io_throttle", "after");
    }

    private async Task ChangeMediumAsync(VmChange.ChangeMedium change, CancellationToken deadline, CancellationToken cancellationToken)
    {
        var drive = QemuDevices.CdromId(change.Slot);
        await OpenTrayAsync(drive, change.Force, deadline, cancellationToken);
        var id = new DeviceIdArguments { Id = drive };
        await monitor.ExecuteAsync(QmpDeviceCommands.RemoveMedium, id, cancellationToken);
        CrashPoints.Reached("qmp", "blockdev-remove-medium", "after");
        await _blocks.RemoveAsync(drive, cancellationToken);
        if (change.Path is { } path)
        {
            await _blocks.AddAsync([BlockNode.Medium(drive, path)], cancellationToken);
            await monitor.ExecuteAsync(QmpDeviceCommands.InsertMedium, new InsertMediumArguments { Id = drive, NodeName = drive }, cancellationToken);
        }
        await monitor.ExecuteAsync(QmpDeviceCommands.CloseTray, id, cancellationToken);
        CrashPoints.Reached("qmp", "blockdev-close-tray", "after");
        await vm.ReviseAsync(change.ApplyTo(Definition), cancellationToken);
    }

    /// <summary>A guest that has locked the tray is asked to open it, as by the button of a drive.</summary>
    private async Task OpenTrayAsync(string drive, bool force, CancellationToken deadline, CancellationToken cancellationToken)
    {
        using var moved = events.Listen(happened => happened.Name == "DEVICE_TRAY_MOVED" && QmpDeviceEvents.TrayMoved.Read(happened) is { TrayOpen: true } data && data.Id == drive);
        await monitor.ExecuteAsync(QmpDeviceCommands.OpenTray, new OpenTrayArguments { Id = drive, Force = force }, cancellationToken);
        if (await IsOpenAsync(drive, cancellationToken)) return;
        await moved.NextAsync(deadline, cancellationToken);
        if (!await IsOpenAsync(drive, cancellationToken))
            throw new GuestDeclinedException($"The guest holds the tray of {drive}: it has the medium mounted");
    }

    private async Task<bool> IsOpenAsync(string drive, CancellationToken cancellationToken) =>
        await _blocks.FindAsync(drive, cancellationToken) is { TrayOpen: true };

    private async Task PlugNicAsync(VmChange.PlugNic plug, CancellationToken cancellationToken)
    {
        var (nic, before) = (plug.Nic, Definition);
        await vm.ReviseAsync(plug.ApplyTo(before), cancellationToken);
        if (await IsThereAsync(QemuDevices.NicId(nic.Slot), cancellationToken)) return;
        try
        {
            await RemoveNetdevAsync(nic.Slot, cancellationToken);
            await AddNetdevAsync(nic, cancellationToken);
            await AddDeviceAsync(QemuDevices.Nic(nic, Layout, await features(cancellationToken)), cancellationToken);
            if (!nic.LinkUp) await SetLinkAsync(nic.Slot, up: false, cancellationToken);
        }
        catch (Exception failure) when (failure is QmpErrorException or VmEngineException)
        {
            if (await IsThereAsync(QemuDevices.NicId(nic.Slot), CancellationToken.None)) throw;
            await RemoveNetdevAsync(nic.Slot, CancellationToken.None);
            await vm.ReviseAsync(before, CancellationToken.None);
            throw;
        }
    }

    private async Task AddNetdevAsync(NicDefinition nic, CancellationToken cancellationToken)
    {
        var id = QemuDevices.NetdevId(nic.Slot);
        if (nic.TapName == null)
        {
            await monitor.ExecuteAsync(QmpDeviceCommands.NetdevAddUser, new UserNetdev
            {
                Id = id,
                Hostfwd = nic.Forwards.Count == 0 ? null
                    : [.. nic.Forwards.Select(forward => new NetdevString { Str = $"tcp:{forward.HostAddress}:{forward.HostPort}-:{forward.GuestPort}" })],
            }, cancellationToken);
            return;
        }
        using var tap = QemuOpenFiles.OpenTap(nic.TapName, id);
        await monitor.ExecuteWithHandleAsync(QmpCommands.GetFd, new FdNameArguments { FdName = id }, tap, cancellationToken);
        await monitor.ExecuteAsync(QmpDeviceCommands.NetdevAddTap, new TapNetdev { Id = id, Fd = id }, cancellationToken);
        CrashPoints.Reached("qmp", "netdev_add", "after");
    }

    private async Task UnplugNicAsync(VmChange.UnplugNic unplug, CancellationToken deadline, CancellationToken cancellationToken)
    {
        await RemoveDeviceAsync(QemuDevices.NicId(unplug.Slot), deadline, cancellationToken);
        await RemoveNetdevAsync(unplug.Slot, cancellationToken);
        await vm.ReviseAsync(unplug.ApplyTo(Definition), cancellationToken);
    }

    private async Task RemoveNetdevAsync(int slot, CancellationToken cancellationToken)
    {
        try
        {
            await monitor.ExecuteAsync(QmpDeviceCommands.NetdevDelete, new DeviceIdArguments { Id = QemuDevices.NetdevId(slot) }, cancellationToken);
            CrashPoints.Reached("qmp", "netdev_del", "after");
        }
        catch (QmpErrorException)
        {
            // It is not there.
        }
    }

    private async Task SetNicAsync(VmChange.SetNic set, CancellationToken cancellationToken)
    {
        await SetLinkAsync(set.Slot, set.LinkUp, cancellationToken);
        await vm.ReviseAsync(set.ApplyTo(Definition), cancellationToken);
    }

    private Task SetLinkAsync(int slot, bool up, CancellationToken cancellationToken) =>
        monitor.ExecuteAsync(QmpDeviceCommands.SetLink, new SetLinkArguments { Name = QemuDevices.NicId(slot), Up = up }, cancellationToken);

    private async Task SetCpusAsync(VmChange.SetCpus set, CancellationToken deadline, CancellationToken cancellationToken)
    {
        if (Definition.Accelerator != Accelerator.Kvm && set.Cpus != Definition.Cpus)
            throw Impossible("without KVM, QEMU may crash when a CPU comes or goes", "It has them at its next start.");
        var places = await CpusAsync(cancellationToken);
        var present = places.Count(place => place.QomPath != null);
        for (var index = 0; index < places.Count && present < set.Cpus; index++)
        {
            if (places[index].QomPath != null) continue;
            await AddDeviceAsync(CpuAt(places[index], index), cancellationToken);
            present++;
        }
        for (var index = places.Count - 1; index > 0 && present > set.Cpus; index--)
        {
            if (places[index].QomPath is not { } path) continue;
            await RemoveCpuAsync(path, deadline, cancellationToken);
            present--;
        }
        if (present != set.Cpus) throw Impossible($"the machine has places for {places.Count} CPUs, not for {set.Cpus}", "Stop it and start it again.");
        await vm.ReviseAsync(set.ApplyTo(Definition), cancellationToken);
    }

    private async Task RemoveCpuAsync(string path, CancellationToken deadline, CancellationToken cancellationToken)
    {
        const string plugged = "/machine/peripheral/";
        if (!path.StartsWith(plugged, StringComparison.Ordinal))
            throw Impossible("the CPUs with which it was started cannot be taken out", "It gets fewer CPUs at its next start.");
        await RemoveDeviceAsync(path[plugged.Length..], deadline, cancellationToken);
    }

    private async Task<List<HotpluggableCpu>> CpusAsync(CancellationToken cancellationToken) =>
        [.. (await monitor.ExecuteAsync(QmpDeviceCommands.QueryHotpluggableCpus, QmpNothing.Instance, cancellationToken))
            .OrderBy(cpu => cpu.Props.SocketId).ThenBy(cpu => cpu.Props.DieId).ThenBy(cpu => cpu.Props.CoreId).ThenBy(cpu => cpu.Props.ThreadId)];

    private static DeviceOptions CpuAt(HotpluggableCpu place, int index) => new DeviceOptions(place.Type, $"cpu{index}")
        .With("node-id", place.Props.NodeId).With("socket-id", place.Props.SocketId).With("die-id", place.Props.DieId)
        .With("core-id", place.Props.CoreId).With("thread-id", place.Props.ThreadId);

    private async Task SetMemoryAsync(VmChange.SetMemory set, CancellationToken deadline, CancellationToken cancellationToken)
    {
        if (!MachineLayout.HasMemoryRoom(Definition)) throw Impossible("it was started without room for more memory", "It gets it at its next start.");
        const string path = $"/machine/peripheral/{QemuDevices.MemoryId}";
        var wanted = (long)set.PluggedMemoryMiB << 20;
        using var moved = events.Listen(happened => happened.Name == "MEMORY_DEVICE_SIZE_CHANGE");
        await monitor.ExecuteAsync(
            QmpCommands.SetNumber, new QomSetArguments { Path = path, Property = "requested-size", Value = wanted }, cancellationToken);
        CrashPoints.Reached("qmp", "requested-size", "after");
        var size = new QomGetArguments { Path = path, Property = "size" };
        while (await monitor.ExecuteAsync(QmpDeviceCommands.GetNumber, size, cancellationToken) is var has && has != wanted)
        {
            if (await moved.NextAsync(deadline, cancellationToken)) continue;
            throw new GuestDeclinedException(
                $"The guest has {Definition.MemoryMiB + (has >> 20)} MiB of the {Definition.MemoryMiB + set.PluggedMemoryMiB} MiB it shall have: {(has < wanted ? "it takes no more, or has no driver for virtio-mem" : "it gives no more back")}");
        }
        await vm.ReviseAsync(set.ApplyTo(Definition), cancellationToken);
    }

    private async Task<bool> IsThereAsync(string device, CancellationToken cancellationToken) => (await DevicesAsync(cancellationToken)).Contains(device);

    private async Task<HashSet<string>> DevicesAsync(CancellationToken cancellationToken) =>
        [.. (await monitor.ExecuteAsync(QmpDeviceCommands.QomList, new QomPathArguments { Path = "/machine/peripheral" }, cancellationToken)).Select(device => device.Name)];

    private VmEngineException Impossible(string why, string remedy) =>
        new(VmEngineFailure.Impossible, $"VM {Definition.Name} cannot be changed so while it runs: {why}.", remedy);
}
