using Lamina.Api;
using Lamina.Server.Placement;

namespace Lamina.Server.Vms.Run;

/// <summary>This host's memory as promised to running VMs (decision 10): a start that does not fit is refused, not left to the kernel's killer.</summary>
internal sealed class HostMemory
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _promised = new(StringComparer.Ordinal);

    public int CommittedMiB
    {
        get
        {
            lock (_gate) return _promised.Values.Sum();
        }
    }

    /// <summary>Promises memory to a VM until <see cref="Release"/>.</summary>
    /// <exception cref="ProblemException"><c>host.memoryFull</c>.</exception>
    public void Promise(string vmId, string vmName, int memoryMiB, PlacementHost host)
    {
        lock (_gate)
        {
            int others = _promised.Where(promise => promise.Key != vmId).Sum(promise => promise.Value);
            if (Placer.Admit(vmName, memoryMiB, host with { CommittedMiB = others }) is { } refusal)
                throw new ProblemException(ProblemKind.Unprocessable, refusal.Code, refusal.Message, refusal.Remedy);
            _promised[vmId] = VmFootprint.Of(memoryMiB, host.Accelerator).AdmissionMiB;
        }
    }

    /// <summary>Counts a VM that runs already, whether or not it would be let in.</summary>
    public void Keep(string vmId, int memoryMiB, AcceleratorKind accelerator)
    {
        lock (_gate) _promised[vmId] = VmFootprint.Of(memoryMiB, accelerator).AdmissionMiB;
    }

    public void Release(string vmId)
    {
        lock (_gate) _promised.Remove(vmId);
    }
}
