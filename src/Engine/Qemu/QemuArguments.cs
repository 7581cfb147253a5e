namespace Lamina.Engine.Qemu;

/// <summary>
/// The command line of a VM: a pure function of its definition, its files' numbers and QEMU's features. Every device has an
/// explicit id and address; no default device, no configuration file, no path of the host is left to QEMU.
/// Golden tests hold the result for each kind of VM.
/// </summary>
internal sealed class QemuArguments
{
    private const int BootMenuMilliseconds = 10_000;

    private readonly VmDefinition _vm;
    private readonly QemuFiles _files;
    private readonly QemuFeatures _features;
    private readonly MachineLayout _layout;
    private readonly List<string> _arguments = [];

    private QemuArguments(VmDefinition vm, QemuFiles files, QemuFeatures features)
    {
        _vm = vm;
        _files = files;
        _features = features;
        _layout = MachineLayout.Of(vm);
    }

    /// <summary>The arguments after the program's name.</summary>
    public static IReadOnlyList<string> Build(VmDefinition definition, QemuFiles files, QemuFeatures features)
    {
        var arguments = new QemuArguments(definition, files, features);
        arguments.AddProcess();
        arguments.AddMachine();
        arguments.AddMonitors();
        arguments.AddFirmware();
        arguments.AddTpm();
        arguments.AddKernel();
        arguments.AddRootPorts();
        arguments.AddMemoryRoom();
        arguments.AddDisks();
        arguments.AddNics();
        arguments.AddVideo();
        arguments.AddChannels();
        arguments.AddSmallDevices();
        return arguments._arguments;
    }

    private void AddProcess()
    {
        Add("-name", $"guest={Escape(_vm.Name)},debug-threads=on");
        Add("-uuid", _vm.Id.ToString());
        Add("-nodefaults");
        Add("-no-user-config");
        // The CPUs wait for the one gate.
        Add("-S");
        if (_vm.Incoming || _vm.MigratesIn) Add("-incoming", "defer");
        Add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
        // A powered-off or panicked guest leaves its process standing, so that a daemon that was away learns how it ended.
        Add("-action", $"reboot=reset,shutdown=pause,panic=pause,watchdog={WatchdogAction()}");
    }

    private void AddMachine()
    {
        Add("-machine", $"{_vm.MachineType},memory-backend=ram0,dump-guest-core=off,vmport=off{SystemManagement()}{Pflash()}");
        Add("-accel", _vm.Accelerator == Accelerator.Kvm ? "kvm" : $"tcg,thread=multi,tb-size={_vm.TbSizeMiB}");
        Add("-cpu", string.Concat(_vm.CpuModel, ",enforce=on", string.Concat(_vm.CpuFlags.Select(CpuFlag)), HyperV()));
        Add("-smp", $"cpus={_vm.Cpus},maxcpus={_vm.MaxCpus},sockets=1,cores={_vm.MaxCpus},threads=1");
        var growth = MachineLayout.HasMemoryRoom(_vm) ? $",slots={MachineLayout.MemorySlots},maxmem={_vm.MaxMemoryMiB}M" : "";
        Add("-m", $"size={_vm.MemoryMiB}M{growth}");
        // The kernel merges anonymous private memory only: it passes by what is shared, as a memfd is (mm/ksm.c, vma_ksm_compatible).
        Add("-object", _vm.MergeMemory
            ? $"memory-backend-ram,id=ram0,size={_vm.MemoryMiB}M,share=off,merge=on"
            : $"memory-backend-memfd,id=ram0,size={_vm.MemoryMiB}M,share=on");
        Add("-rtc", _vm.LocalTimeClock ? "base=localtime" : "base=utc");
        string[] boot = [.. HasBootOrder() ? ["strict=on"] : (string[])[], .. _vm.BootMenu ? ["menu=on", $"splash-time={BootMenuMilliseconds}"] : (string[])[]];
        if (boot.Length > 0) Add("-boot", string.Join(',', boot));
    }

    // The variables are written in system management mode only, or the guest could write itself a key.
    private string SystemManagement() => _vm.Firmware.SecureBoot ? ",smm=on" : "";

    // They are KVM's: TCG takes the words and offers nothing.
    private string HyperV() =>
        _vm.Accelerator == Accelerator.Kvm ? string.Concat(_vm.HyperV.Select(feature => feature.Contains('=', StringComparison.Ordinal) ? $",{feature}" : $",{feature}=on")) : "";

    private string WatchdogAction() => _vm.Watchdog switch
    {
        WatchdogPolicy.Pause => "pause",
        WatchdogPolicy.None => "none",
        _ => "reset",
    };

    private string Pflash() => _vm.Firmware.Kind == FirmwareKind.Uefi ? ",pflash0=firmware-code,pflash1=firmware-vars" : "";

    private static string CpuFlag(string flag) => $",{flag[1..]}={(flag[0] == '+' ? "on" : "off")}";

    // Without any order, strict would mean: boot nothing.
    private bool HasBootOrder() => _vm.Disks.Any(disk => disk.BootIndex != null)
        || _vm.Cdroms.Any(cdrom => cdrom.BootIndex != null) || _vm.Floppy?.BootIndex != null || _vm.Nics.Any(nic => nic.BootIndex != null);

    private void AddMonitors()
    {
        Add("-chardev", Listening("qmp", QemuFiles.QmpSocket));
        Add("-mon", "chardev=qmp,mode=control");
        Add("-chardev", Listening("qmp-oob", QemuFiles.QmpOobSocket));
        Add("-mon", "chardev=qmp-oob,mode=control");
    }

    private void AddFirmware()
    {
        if (_vm.Firmware.Kind != FirmwareKind.Uefi) return;
        AddNode(BlockNode.Medium("firmware-code", _vm.Firmware.CodePath!));
        AddNode(BlockNode.Medium("firmware-vars", _vm.Firmware.NvramPath!, readOnly: false));
        if (!_vm.Firmware.SecureBoot) return;
        Add("-global", "driver=cfi.pflash01,property=secure,value=on");
        // OVMF's README: its 64-bit build with SMM cannot sleep to S3.
        Add("-global", "ICH9-LPC.disable_s3=1");
    }

    private void AddTpm()
    {
        if (_vm.Tpm == null) return;
        Add("-chardev", $"socket,id=tpm0,fd={_files[QemuFiles.TpmLine]}");
        Add("-tpmdev", "emulator,id=tpmdev0,chardev=tpm0");
        Add("-device", "tpm-crb,id=tpm0,tpmdev=tpmdev0");
    }

    private void AddKernel()
    {
        if (_vm.Kernel is not { } kernel) return;
        Add("-kernel", $"/proc/self/fd/{_files["kernel"]}");
        if (kernel.InitrdPath != null) Add("-initrd", $"/proc/self/fd/{_files["initrd"]}");
        if (kernel.CommandLine.Length > 0) Add("-append", kernel.CommandLine);
    }

    private void AddRootPorts()
    {
        if (!_layout.HasRootPorts) return;
        for (var i = 0; i < MachineLayout.RootPorts; i++)
        {
            // No I/O window: 24 of 4 KiB would not fit into the 64 KiB there are, and virtio does without.
            Add("-device", $"pcie-root-port,id=rp{i},{MachineLayout.RootPort(i)},chassis={i + 1},slot={i + 1},io-reserve=0");
        }
    }

    // Reserved by nobody until the guest is given of it.
    private void AddMemoryRoom()
    {
        if (!MachineLayout.HasMemoryRoom(_vm)) return;
        Add("-object", $"memory-backend-memfd,id={QemuDevices.MemoryBackendId},size={_vm.MaxMemoryMiB - _vm.MemoryMiB}M,share=on,reserve=off");
        Add(QemuDevices.Memory(_vm, _layout));
    }

    private void AddDisks()
    {
        if (VmChange.HasScsi(_vm)) Add(QemuDevices.ScsiController(_layout));
        foreach (var disk in _vm.Disks) AddDisk(disk);
        foreach (var cdrom in _vm.Cdroms) AddCdrom(cdrom);
        if (_vm.Floppy is { } floppy) AddFloppy(floppy);
    }

    private void AddDisk(DiskDefinition disk)
    {
        foreach (var node in BlockNode.Of(disk)) AddNode(node);
        Add(QemuDevices.Disk(disk, _layout));
    }

    private void AddCdrom(CdromDefinition cdrom)
    {
        if (cdrom.Path is { } path) AddNode(BlockNode.Medium(QemuDevices.CdromId(cdrom.Slot), path));
        Add(QemuDevices.Cdrom(cdrom, _layout));
    }

    private void AddFloppy(FloppyDefinition floppy)
    {
        AddNode(BlockNode.Medium("floppy0", floppy.Path, floppy.ReadOnly));
        Add("-device", "floppy,id=floppy0,unit=0,drive=floppy0");
        // The controller is part of the machine and knows the order of its drives.
        if (floppy.BootIndex is { } index) Add("-global", $"isa-fdc.bootindexA={index}");
    }

    private void AddNode(BlockNode node)
    {
        var number = _files[node.Role];
        Add("-add-fd", $"fd={number},set={number}");
        Add("-blockdev", BlockdevJson.Write(node.File(number)));
        Add("-blockdev", node.Format == DiskFormat.Qcow2 ? BlockdevJson.Write(node.Qcow2()) : BlockdevJson.Write(node.Raw()));
    }

    private void AddNics()
    {
        foreach (var nic in _vm.Nics)
        {
            Add("-netdev", nic.TapName != null ? $"tap,id=net{nic.Slot},fd={_files[$"net{nic.Slot}"]},vhost=off" : UserNetwork(nic));
            Add(QemuDevices.Nic(nic, _layout, _features));
        }
    }

    private static string UserNetwork(NicDefinition nic) => string.Concat($"user,id=net{nic.Slot}",
        string.Concat(nic.Forwards.Select(forward => $",hostfwd=tcp:{forward.HostAddress}:{forward.HostPort}-:{forward.GuestPort}")));

    private void AddVideo()
    {
        Add("-display", "none");
        // A VNC server without a listener: the daemon brings each client as an open socket.
        Add("-vnc", "none");
        if (_vm.Video.Model == VideoModel.None) return;
        Add("-device", $"VGA,id=video0,{_layout.Video},vgamem_mb={_vm.Video.MemoryMiB}");
        // An absolute pointer: with a relative one a remote mouse never meets the guest's.
        Add("-device", $"qemu-xhci,id=usb0,{_layout.Usb}");
        Add("-device", "usb-tablet,id=tablet0,bus=usb0.0,port=1");
    }

    private void AddChannels()
    {
        if (_vm.Serial)
        {
            Add("-chardev", Listening("serial0", QemuFiles.SerialSocket));
            Add("-device", "isa-serial,id=serial0,chardev=serial0,index=0");
        }
        if (!_vm.AgentChannel) return;
        Add("-chardev", Listening("agent0", QemuFiles.AgentSocket));
        Add("-device", $"virtio-serial-pci,id=vserial0,{_layout.VirtioSerial}");
        Add("-device", "virtserialport,id=agent0,bus=vserial0.0,nr=1,chardev=agent0,name=org.qemu.guest_agent.0");
    }

    private void AddSmallDevices()
    {
        // The guest's kernel tells its panics here; otherwise a crashed guest looks like a quiet one.
        Add("-device", "pvpanic,id=panic0");
        if (_vm.Watchdog != null) Add("-device", $"i6300esb,id=watchdog0,{_layout.Watchdog}");
        if (_vm.Rng)
        {
            Add("-object", "rng-builtin,id=rng0");
            Add("-device", $"virtio-rng-pci,id=rng0,{_layout.Rng},rng=rng0");
        }
        if (!_vm.Balloon.Enabled) return;
        var reporting = _vm.Balloon.FreePageReporting ? ",free-page-reporting=on" : "";
        Add("-device", $"virtio-balloon-pci,id=balloon0,{_layout.Balloon},deflate-on-oom=on{reporting}");
    }

    private string Listening(string id, string role) => $"socket,id={id},fd={_files[role]},server=on,wait=off";

    /// <summary>In QEMU's option lists a comma is written twice.</summary>
    private static string Escape(string value) => value.Replace(",", ",,", StringComparison.Ordinal);

    private void Add(DeviceOptions device) => Add("-device", device.ToString());

    private void Add(params ReadOnlySpan<string> arguments) => _arguments.AddRange(arguments);
}
