using Lamina.Linux.Processes;

namespace Lamina.Engine.Qemu;

/// <summary>
/// Turns a QEMU that ended before it answered into words for people: its own, and what to do. The advice is picked by what QEMU said;
/// nothing else depends on it. Pure.
/// </summary>
internal static class StartFailure
{
    private const string GeneralRemedy = "Read QEMU's words above; `lamina doctor` checks the installation.";

    private static readonly (string Words, string Remedy)[] Remedies =
    [
        ("Failed to get \"write\" lock", "Another process uses this disk: find it with `lsof`, or give the VM a disk of its own."),
        ("Failed to get shared", "Another process writes to this disk: find it with `lsof`."),
        ("Cannot allocate memory", "Give the VM less memory, or end others: the host has not enough."),
        ("unsupported machine type", "This QEMU does not know the VM's machine type: upgrade QEMU, or set another type."),
        ("unable to find CPU model", "This QEMU does not know the VM's CPU model: set one that `lamina host show` lists."),
        ("Host doesn't support requested features", "The processor lacks features of the VM's CPU model: set an older model."),
        ("doesn't support requested feature", "The processor lacks features of the VM's CPU model: set an older model."),
        ("Could not access KVM kernel module", "/dev/kvm may not be opened: see `lamina doctor`."),
        ("Image is not in qcow2 format", "The disk's file is damaged or of another format: restore it from a backup."),
        ("TPM result for CMD_INIT", "The TPM's state is damaged, or of another key: restore the VM's folder from a backup, or make the VM anew with its disks."),
        ("not allowed; seccomp", "This QEMU lacks seccomp support: install Debian's qemu-system-x86."),
    ];

    public static VmEngineException Describe(VmDefinition vm, ChildExit exit, string stderr)
    {
        var words = stderr.Length > 0 ? stderr : "it said nothing";
        var remedy = Remedies.FirstOrDefault(entry => stderr.Contains(entry.Words, StringComparison.OrdinalIgnoreCase)).Remedy ?? GeneralRemedy;
        return new VmEngineException(VmEngineFailure.StartFailed, $"QEMU of VM {vm.Name} {exit} before it was ready: {words}", remedy)
        {
            StderrTail = stderr,
        };
    }
}
