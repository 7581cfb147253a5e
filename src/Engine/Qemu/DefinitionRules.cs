namespace Lamina.Engine.Qemu;

/// <summary>
/// What a definition must keep to before QEMU sees it. The server's rules refuse a user's mistake long before; this guards the engine
/// against its caller, and names every problem at once. Pure.
/// </summary>
internal static class DefinitionRules
{
    private const int MaxSocketPathBytes = 100;
    private const int MaxSerialCharacters = 20;
    private static readonly int LongestSocketName = "/.tmp-qmp-oob.sock".Length;

    /// <returns>Each as <c>member: why</c>; empty = good.</returns>
    public static IReadOnlyList<string> Problems(VmDefinition vm)
    {
        var problems = new List<string>();
        CheckMachine(vm, problems);
        CheckFirmware(vm, problems);
        CheckDisks(vm, problems);
        CheckCdroms(vm, problems);
        CheckNics(vm, problems);
        return problems;
    }

    /// <exception cref="VmEngineException">All problems.</exception>
    public static void Require(VmDefinition vm)
    {
        if (Problems(vm) is { Count: > 0 } problems)
            throw new VmEngineException(VmEngineFailure.BadDefinition, $"VM {vm.Name} cannot be run: {string.Join("; ", problems)}.",
                "Change what is named; if it was not you who set it, report a bug.");
    }

    private static void CheckMachine(VmDefinition vm, List<string> problems)
    {
        Require(MachineTypes.Versioned([vm.MachineType]).Count == 1, "machineType", $"{vm.MachineType} is no versioned PC type", problems);
        Require(vm.CpuModel is not ("host" or "max" or ""), "cpuModel", "must be a named model", problems);
        Require(vm.CpuModel.All(IsPlain), "cpuModel", "holds a character that no model has", problems);
        foreach (var flag in vm.CpuFlags)
            Require(flag.Length > 1 && flag[0] is '+' or '-' && flag[1..].All(IsPlain), "cpuFlags", $"{flag} is not +name or -name", problems);
        foreach (var feature in vm.HyperV)
            Require(feature.StartsWith("hv-", StringComparison.Ordinal) && feature.All(character => IsPlain(character) || character == '='), "hyperV",
                $"{feature} is no interface of Hyper-V", problems);
        Require(vm.Cpus >= 1, "cpus", "must be 1 or more", problems);
        Require(vm.MaxCpus >= vm.Cpus, "maxCpus", $"is below cpus, {vm.Cpus}", problems);
        Require(vm.MemoryMiB >= 1, "memoryMiB", "must be 1 or more", problems);
        Require(vm.MaxMemoryMiB is null || vm.MaxMemoryMiB >= vm.MemoryMiB, "maxMemoryMiB", $"is below memoryMiB, {vm.MemoryMiB}", problems);
        Require(vm.LayoutVersion == VmDefinition.CurrentLayoutVersion, "layoutVersion", $"{vm.LayoutVersion} is not known to this daemon", problems);
        Require(vm.Uid > 0 && vm.Gid > 0, "uid", "QEMU never runs as root", problems);
        Require(Path.IsPathRooted(vm.RuntimeFolder), "runtimeFolder", "is no absolute path", problems);
        Require(Path.GetFileName(vm.RuntimeFolder) == vm.Id.ToString(), "runtimeFolder", "does not end in the VM's id", problems);
        Require(vm.RuntimeFolder.Length + LongestSocketName < MaxSocketPathBytes, "runtimeFolder",
            $"is too long for the sockets in it: unix(7) allows {MaxSocketPathBytes} bytes in all", problems);
    }

    private static void CheckFirmware(VmDefinition vm, List<string> problems)
    {
        var firmware = vm.Firmware;
        Require(!firmware.SecureBoot || firmware.Kind == FirmwareKind.Uefi, "firmware.secureBoot", "needs UEFI", problems);
        Require(!firmware.SecureBoot || MachineLayout.IsQ35(vm.MachineType), "firmware.secureBoot", "needs a q35 machine: others have no system management mode for it", problems);
        Require(vm.Tpm is null || Path.IsPathRooted(vm.Tpm.StateFolder), "tpm.stateFolder", "is no absolute path", problems);
        if (firmware.Kind != FirmwareKind.Uefi) return;
        Require(firmware.CodePath != null, "firmware.codePath", "is needed for UEFI", problems);
        Require(firmware.NvramPath != null, "firmware.nvramPath", "is needed for UEFI", problems);
    }

    private static void CheckDisks(VmDefinition vm, List<string> problems)
    {
        var layout = MachineLayout.Of(vm);
        for (var i = 0; i < vm.Disks.Count; i++)
        {
            var disk = vm.Disks[i];
            var slots = disk.Bus switch
            {
                DiskBus.Virtio => layout.MaxVirtioDisks,
                DiskBus.Sata => layout.MaxSataEach,
                _ => MachineLayout.MaxScsiDisks,
            };
            Require(disk.Slot >= 0 && disk.Slot < slots, $"disks[{i}].slot", $"{disk.Slot} is not within 0..{slots - 1}", problems);
            Require(disk.Serial is null || disk.Serial.Length <= MaxSerialCharacters, $"disks[{i}].serial",
                $"is longer than {MaxSerialCharacters} characters", problems);
            Require(disk.Serial is null || !disk.Serial.Any(char.IsControl), $"disks[{i}].serial", "holds a control character", problems);
        }
        RequireDistinct(vm.Disks.Select(disk => disk.Slot), "disks", problems);
    }

    private static void CheckCdroms(VmDefinition vm, List<string> problems)
    {
        for (var i = 0; i < vm.Cdroms.Count; i++)
        {
            var slot = vm.Cdroms[i].Slot;
            var slots = vm.Cdroms[i].Bus == CdromBus.Sata ? MachineLayout.Of(vm).MaxSataEach : MachineLayout.MaxCdroms;
            Require(slot >= 0 && slot < slots, $"cdroms[{i}].slot", $"{slot} is not within 0..{slots - 1}", problems);
        }
        RequireDistinct(vm.Cdroms.Select(cdrom => cdrom.Slot), "cdroms", problems);
        Require(vm.Floppy is null || !MachineLayout.IsQ35(vm.MachineType), "floppy", "q35 has no floppy controller: use a pc-i440fx type", problems);
    }

    private static void CheckNics(VmDefinition vm, List<string> problems)
    {
        for (var i = 0; i < vm.Nics.Count; i++)
        {
            var nic = vm.Nics[i];
            Require(nic.Slot is >= 0 and < MachineLayout.MaxNics, $"nics[{i}].slot",
                $"{nic.Slot} is not within 0..{MachineLayout.MaxNics - 1}", problems);
            Require(nic.Mac.All(character => char.IsAsciiHexDigit(character) || character == ':'), $"nics[{i}].mac",
                $"{nic.Mac} is no MAC address", problems);
            Require(nic.Forwards.Count == 0 || nic.TapName is null, $"nics[{i}].forwards", "belong to the user-mode network only", problems);
            Require(nic.Forwards.All(forward => forward.HostAddress.All(IsAddress)), $"nics[{i}].forwards", "hostAddress is no address", problems);
        }
        RequireDistinct(vm.Nics.Select(nic => nic.Slot), "nics", problems);
    }

    private static bool IsPlain(char character) => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.';

    private static bool IsAddress(char character) => char.IsAsciiHexDigit(character) || character is '.' or ':' or '[' or ']';

    private static void RequireDistinct(IEnumerable<int> slots, string member, List<string> problems)
    {
        foreach (var slot in slots.GroupBy(slot => slot).Where(group => group.Count() > 1).Select(group => group.Key))
            problems.Add($"{member}: slot {slot} is taken twice");
    }

    private static void Require(bool condition, string member, string why, List<string> problems)
    {
        if (!condition) problems.Add($"{member}: {why}");
    }
}
