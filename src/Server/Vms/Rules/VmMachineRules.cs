using Lamina.Api;
using Lamina.Api.Input;

namespace Lamina.Server.Vms.Rules;

/// <summary>Pins the machine that a guest sees (decision 8; pure): what is recorded here no upgrade or move changes.</summary>
internal static class VmMachineRules
{
    /// <exception cref="ProblemException">No host has been looked at yet.</exception>
    /// <exception cref="InputException">There are problems, and no host.</exception>
    /// <param name="create">As asked for.</param>
    /// <param name="hosts">What they offer.</param>
    /// <param name="baseline">The CPU that all of them offer.</param>
    /// <param name="problems">Gets every problem.</param>
    public static VmMachine Pin(VmCreate create, IReadOnlyList<HostStatus> hosts, CpuBaseline? baseline, InputProblems problems)
    {
        CheckCpuModel(create.CpuModel, problems);

        // The oldest of what the hosts offer: a guest must be able to run on each.
        var host = hosts.Where(status => status is { DefaultMachineType: not null, DefaultCpuModel: not null })
            .MinBy(status => VersionOf(status.DefaultMachineType!));
        if (host is null || baseline is null)
        {
            // No fault of the request: as said after the daemon's first start, it may be made again in a moment.
            problems.ThrowIfAny();
            throw new ProblemException(ProblemKind.Unavailable, "host.notReady", "No host has told yet which machines QEMU offers there.", "Wait a moment, or see what 'lamina doctor' says.");
        }

        int cpus = create.Cpus ?? VmBounds.DefaultCpus;
        return new VmMachine
        {
            Type = create.Floppy is null ? host.DefaultMachineType! : WithFloppy(host.DefaultMachineType!),
            CpuModel = create.CpuModel ?? baseline.Model,
            MaxMemoryMiB = create.MaxMemoryMiB ?? VmBounds.DefaultMaxMemory(create.MemoryMiB ?? VmBounds.DefaultMemoryMiB, create.Floppy is not null, hosts),
            HyperV = create.HyperV == true ? VmFirmwareRules.HyperV : [],
            MaxCpus = create.MaxCpus ?? Math.Max(cpus, Math.Min(host.Cores, VmBounds.MostCpus)),
        };
    }

    /// <summary>Of <c>pc-q35-10.0</c>: 10.0, which is newer than 9.2.</summary>
    private static Version VersionOf(string machineType) =>
        Version.TryParse(machineType.AsSpan(machineType.LastIndexOf('-') + 1), out var version) ? version : new Version(0, 0);

    /// <summary>q35 has no floppy controller; i440fx machines bear the same versions: <c>pc-q35-7.2</c>, <c>pc-i440fx-7.2</c>.</summary>
    private static string WithFloppy(string machineType) => machineType.Replace("pc-q35-", "pc-i440fx-", StringComparison.Ordinal);

    private static void CheckCpuModel(string? model, InputProblems problems)
    {
        if (model is null) return;
        if (model is "host" or "max")
            problems.Add("$.cpuModel", "vm.cpuModelUnpinned", $"'{model}' is another CPU on each host and each version of QEMU, so a guest could not move: name a model, for example Westmere-v1, or leave it out.");
        else if (model.Length is 0 or > 64 || !model.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.'))
            problems.Add("$.cpuModel", "vm.cpuModel", $"'{Suggestions.Shorten(model)}' is no name of a CPU model; Westmere-v1 would be one.");
    }
}
