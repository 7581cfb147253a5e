using Lamina.Api;
using Lamina.Api.Input;

namespace Lamina.Server.Hosts;

/// <summary>What of a host may be set, and to what (pure).</summary>
internal static class HostRules
{
    /// <summary>Ten times the memory is no bet any more.</summary>
    private const int MostOvercommitPercent = 1000;

    /// <summary>Less than all of it can be promised: the rest is kept for other work of this machine.</summary>
    private const int LeastOvercommitPercent = 10;

    public static HostUpdate Changeable(HostSpec spec) => new()
    {
        Memory = new HostMemoryPolicyUpdate { OvercommitPercent = spec.Memory.OvercommitPercent, Balloon = spec.Memory.Balloon, Ksm = spec.Memory.Ksm },
    };

    /// <param name="spec">As it is.</param>
    /// <param name="update">All changeable members as they shall be; null is the default.</param>
    /// <exception cref="InputException">All problems, each with its path.</exception>
    public static HostSpec Update(HostSpec spec, HostUpdate update)
    {
        var problems = new InputProblems();
        var usual = new HostMemoryPolicy();
        var wanted = update.Memory;
        if (wanted?.OvercommitPercent is < LeastOvercommitPercent or > MostOvercommitPercent)
            problems.Add("$.memory.overcommitPercent", "host.overcommit", $"Write {LeastOvercommitPercent} to {MostOvercommitPercent} percent of the memory that is there; {wanted.OvercommitPercent} is neither.");
        problems.ThrowIfAny();
        return spec with
        {
            Memory = spec.Memory with
            {
                OvercommitPercent = wanted?.OvercommitPercent ?? usual.OvercommitPercent,
                Balloon = wanted?.Balloon ?? usual.Balloon,
                Ksm = wanted?.Ksm ?? usual.Ksm,
            },
        };
    }
}
