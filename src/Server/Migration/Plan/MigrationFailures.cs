using Lamina.Api;

namespace Lamina.Server.Migration.Plan;

/// <summary>Why a hand-over was given up, in words for people. The guest is untouched in each of them unless it says otherwise.</summary>
internal static class MigrationFailures
{
    private const string AskAgain = "Its guest runs on where it was. Ask again when the reason is gone.";

    public static Failure Cancelled { get; } = new() { Code = "operation.cancelled", Message = "It was cancelled; the guest runs on where it was." };

    public static Failure Overruled { get; } = new()
    {
        Code = "migration.overruled",
        Message = "A later order to the VM ended its migration.",
        Remedy = "Ask again when the VM is where you want it.",
    };

    public static Failure SourceEnded { get; } = new()
    {
        Code = "migration.guestEnded",
        Message = "The guest ended by itself while it was on its way.",
        Remedy = "Look at the VM: lamina vm show NAME.",
    };

    public static Failure TargetSlow { get; } = new()
    {
        Code = "migration.targetSilent",
        Message = "The other host has not made itself ready in time.",
        Remedy = AskAgain,
    };

    public static Failure TargetLost { get; } = new()
    {
        Code = "migration.targetLost",
        Message = "The other host has lost what it had of the guest before the guest was its own.",
        Remedy = AskAgain,
    };

    public static Failure NotTaken { get; } = new()
    {
        Code = "migration.notTaken",
        Message = "All of the guest was sent, and the other host did not take it in time.",
        Remedy = AskAgain,
    };

    public static Failure SwitchStuck { get; } = new()
    {
        Code = "migration.switchStuck",
        Message = "QEMU did not get through the switch in time.",
        Remedy = AskAgain,
    };

    public static Failure MirrorFailed { get; } = new()
    {
        Code = "migration.mirrorFailed",
        Message = "A disk could not be brought over whole.",
        Remedy = "Look at the pools of both hosts, and ask again. The guest runs on where it was.",
    };

    public static Failure StreamFailed { get; } = new()
    {
        Code = "migration.failed",
        Message = "QEMU could not send the guest.",
        Remedy = AskAgain,
    };

    public static Failure StillRunning { get; } = new()
    {
        Code = "vm.running",
        Message = "The VM has started meanwhile.",
        Remedy = "Migrate it live, or shut it down first.",
    };

    public static Failure MemoryLost { get; } = new()
    {
        Code = "migration.memoryLost",
        Message = "The guest had gone on at the other host in post-copy, and what was not there yet of its memory is lost with the connection or a process.",
        Remedy = "It starts from its disks at the other host, by its restart policy or by: lamina vm start NAME.",
    };

    public static Failure MemoryLostBeforeItRan { get; } = new()
    {
        Code = "migration.memoryLost",
        Message = "The other host lost what it had of the guest before it could run it, and the guest's process here had no way back: what it had in memory is lost.",
        Remedy = "It starts from its disks on the host that it came from, by its restart policy or by: lamina vm start NAME.",
    };

    public static Failure ContinueRefused { get; } = new()
    {
        Code = "migration.refused",
        Message = "The other host could not let the guest run and has given it back.",
        Remedy = "Look at the events of the VM for QEMU's words.",
    };
}
