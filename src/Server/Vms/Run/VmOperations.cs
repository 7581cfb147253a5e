namespace Lamina.Server.Vms.Run;

/// <summary>The kinds of operations on VMs. All are carried out by the VM's runner.</summary>
internal static class VmOperations
{
    public const string Create = "vm.create";
    public const string Start = "vm.start";
    public const string Shutdown = "vm.shutdown";
    public const string Stop = "vm.stop";
    public const string Pause = "vm.pause";
    public const string Resume = "vm.resume";
    public const string Reset = "vm.reset";
    public const string Delete = "vm.delete";

    /// <summary>Given to this host because its former one is dead; it ends when its guest runs here.</summary>
    public const string TakeOver = "vm.takeOver";

    /// <summary>A change of devices, sizes or limits; ends when the host has done it, or knows that it waits for a restart.</summary>
    public const string Change = "vm.change";

    public static IReadOnlyList<string> All { get; } = [Create, Start, Shutdown, Stop, Pause, Resume, Reset, Delete, TakeOver, Change];

    /// <summary>Can be cancelled while under way; the others are over in a moment or past recall.</summary>
    public static bool IsCancellable(string kind) => kind is Create or Start or Shutdown or TakeOver or Change;
}
