using Lamina.Api;

namespace Lamina.Server.Vms;

/// <summary>The refusals that more than one place of this room speaks: stable codes, the VM's name, what to do.</summary>
internal static class VmFailures
{
    public const string GuestDeclinedCode = "vm.guestDeclined";

    /// <summary>The guest has not played its part in a change.</summary>
    public static Failure GuestDeclined(string name, Plan.VmLiveChange what, string why) => new()
    {
        Code = GuestDeclinedCode,
        Message = $"{why}. The request stands: it is done when the guest obeys, or at the next start of VM '{name}'.",
        Remedy = what.Kind == Plan.VmLiveKind.ChangeMedium
            ? $"Unmount it in the guest, or take it by force: lamina vm cdrom eject {name} --drive {what.Slot} --force."
            : $"Let go of it in the guest and ask again, or restart the guest: lamina vm reset {name}.",
    };

    public static Failure ChangeRefused(string name, string why) => new()
    {
        Code = "vm.changeRefused",
        Message = $"QEMU refused to change VM '{name}' while it runs: {why}.",
        Remedy = "It is tried again at the next start.",
    };

    public static Failure NotRunning(string name, string participle) => new()
    {
        Code = "vm.notRunning",
        Message = $"VM '{name}' is not running, so it cannot be {participle}.",
        Remedy = $"Start it first: lamina vm start {name}.",
    };

    public static Failure Suspended(string name) => new()
    {
        Code = "vm.suspended",
        Message = $"VM '{name}' is suspended: its memory waits in a file.",
        Remedy = $"Let it go on (lamina vm start {name}), or discard its memory: lamina vm stop {name} --force.",
    };

    public static ProblemException BeingDeleted(string name) =>
        ProblemException.Conflict("vm.deleting", $"VM '{name}' is being deleted.", "Wait for its deletion, or name another one.");

    public static ProblemException Overruled(string name) =>
        ProblemException.Conflict("vm.overruled", $"A later order to VM '{name}' ended this; what it had begun is undone.", "Ask again when the VM is where you want it.");

    public static ProblemException NotHere(string vm) =>
        ProblemException.Conflict("vm.notHere", $"VM {vm} is not on this host.", "Look where it is: lamina vm show.");

    public static Failure ShutdownTimeout(string name, TimeSpan timeout) => new()
    {
        Code = "vm.shutdownTimeout",
        Message = $"The guest of VM '{name}' has not powered off within {(int)timeout.TotalSeconds} s of being asked; it runs on.",
        Remedy = $"Look at its console, or cut the power: lamina vm stop {name} --force.",
    };

    public static Failure CannotHear(string name) => new()
    {
        Code = "vm.paused",
        Message = $"VM '{name}' is paused: its guest cannot hear the power button.",
        Remedy = $"Resume it first (lamina vm resume {name}), or cut the power: lamina vm stop {name} --force.",
    };

    public static Failure Superseded(string name, string by) => new()
    {
        Code = "operation.superseded",
        Message = $"A later request for VM '{name}' (operation {by}) took the place of this one.",
    };

    public static Failure OutcomeUnknown(string name, string verb) => new()
    {
        Code = "operation.outcomeUnknown",
        Message = $"The daemon ended while it was about to {verb} VM '{name}'; whether it happened cannot be told, and it is not repeated.",
        Remedy = "Look at the guest's console, and ask again if it is still needed.",
    };
}
