using Lamina.Engine;
using Lamina.Engine.Qmp;

namespace Lamina.Server.Vms.Run;

/// <summary>The end of a process whose reason is on record.</summary>
internal static class VmEnding
{
    /// <summary>Quits, which flushes the disks; kills the cgroup when QEMU does not in time, or its monitor is silent.</summary>
    public static async Task EndAsync(IVm vm, CancellationToken deadline)
    {
        if (!vm.MonitorAnswers || !await QuitAsync(vm, deadline)) await vm.KillAsync(CancellationToken.None);
    }

    private static async Task<bool> QuitAsync(IVm vm, CancellationToken deadline)
    {
        try
        {
            await vm.QuitAsync(deadline);
            return true;
        }
        catch (Exception failure) when (failure is OperationCanceledException or QmpClosedException or QmpErrorException or QmpProtocolException)
        {
            return false;
        }
    }
}
