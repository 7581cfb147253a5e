using Lamina.Api;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Vms;

/// <summary>What of a change concerns the machine, and so the VM's host (pure); the rest is done with the commit.</summary>
internal static class VmChangedPaths
{
    public static IReadOnlyList<string> Of(VmSpec before, VmSpec after)
    {
        var paths = new List<string>();
        if (before.Cpus != after.Cpus) paths.Add("$.cpus");
        if (before.MemoryMiB != after.MemoryMiB) paths.Add("$.memoryMiB");
        // Without a cap of its own, a VM's share follows its CPUs.
        if (before.Limits != after.Limits || before.Cpus != after.Cpus) paths.Add("$.limits");
        if (before.Machine.MaxCpus != after.Machine.MaxCpus) paths.Add("$.machine.maxCpus");
        if (before.Machine.MaxMemoryMiB != after.Machine.MaxMemoryMiB) paths.Add("$.machine.maxMemoryMiB");
        if (before.Watchdog != after.Watchdog) paths.Add("$.watchdog");
        if (before.BootMenu != after.BootMenu) paths.Add("$.bootMenu");
        if (before.Clock != after.Clock) paths.Add("$.clock");
        if (!VmBootOrder.Of(before).SequenceEqual(VmBootOrder.Of(after))) paths.Add("$.boot");
        return paths;
    }
}
