using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;

namespace Lamina.Server.Hosts;

/// <summary>What the host writes of itself. Pure.</summary>
internal static class HostStatusPlan
{
    /// <summary>
    /// At the start, before QEMU was asked: what an earlier start learned of QEMU stays until the probe says otherwise, so that the API need not wait.
    /// </summary>
    public static HostStatus AtStart(HostIdentity identity, MachineFacts machine, HostStatus? former, string daemonVersion) => new()
    {
        Incarnation = identity.Incarnation,
        BootId = identity.BootId,
        DaemonVersion = daemonVersion,
        KernelVersion = machine.KernelVersion,
        CpuModel = machine.CpuModel,
        Cores = machine.Cores,
        MemoryMiB = machine.MemoryMiB,
        QemuVersion = former?.QemuVersion,
        Accelerator = former?.Accelerator,
        DefaultMachineType = former?.DefaultMachineType,
        DefaultCpuModel = former?.DefaultCpuModel,
        CpuModels = former?.CpuModels ?? [],
        MachineTypes = former?.MachineTypes ?? [],
        Links = former?.Links ?? [],
        PostCopyProblem = former?.PostCopyProblem,
        Unknown = former?.Unknown,
    };

    public static HostStatus Probed(HostStatus status, EngineCapabilities found, IReadOnlyList<HostLink> links) => status with
    {
        Links = links,
        PostCopyProblem = found.PostCopyProblem is { } problem ? new Failure { Code = "host.postCopy", Message = problem } : null,
        QemuVersion = found.Version,
        Accelerator = new Api.Accelerator { Kind = KindOf(found.Accelerator), Reason = found.AcceleratorReason },
        DefaultMachineType = found.DefaultMachineType,
        DefaultCpuModel = found.DefaultCpuModel,
        CpuModels = [.. found.CpuModels.Where(model => model.UnavailableFeatures.Count == 0).Select(model => model.Name).Order(StringComparer.Ordinal)],
        MachineTypes = [.. found.MachineTypes.Order(StringComparer.Ordinal)],
        Failure = null,
    };

    /// <summary>QEMU is missing or does not answer: nothing can be placed here, which is said instead of old figures.</summary>
    public static HostStatus NotProbed(HostStatus status, Failure failure) => status with
    {
        QemuVersion = null,
        Accelerator = null,
        DefaultMachineType = null,
        DefaultCpuModel = null,
        CpuModels = [],
        MachineTypes = [],
        Failure = failure,
    };

    /// <summary>What is not yet in the store; null: nothing, an idle host writes nothing.</summary>
    public static StoreChange? Change(CacheSnapshot snapshot, string hostId, string name, HostStatus status)
    {
        var change = new StoreChange("host.status");
        bool isNew = false;
        if (snapshot.Get(Keys.Hosts.Spec, hostId) is not { } spec || spec.Record.Name != name)
        {
            isNew = true;
            Rename(snapshot, change, hostId, name);
        }

        if (!isNew && Equals(snapshot.Get(Keys.Hosts.Status, hostId)?.Record, status)) return null;
        return change.Put(Keys.Hosts.Status, hostId, status);
    }

    private static void Rename(CacheSnapshot snapshot, StoreChange change, string hostId, string name)
    {
        if (snapshot.Get(Keys.Hosts.Spec, hostId) is { } former)
        {
            // The rest of it is the API's.
            change.Delete(Keys.Names[NameId(former.Record.Name)]).Update(Keys.Hosts.Spec, hostId, former.Record with { Name = name }, former.ModRevision);
        }
        else change.Put(Keys.Hosts.Spec, hostId, new HostSpec { Name = name });
        change.Create(Keys.Names, NameId(name), new Claim { Owner = hostId });
    }

    private static string NameId(string name) => Keys.NameId(Http.Lookup.Installation, "host", name);

    private static bool Equals(HostStatus? left, HostStatus right) => left is not null
        && left.CpuModels.SequenceEqual(right.CpuModels) && left.MachineTypes.SequenceEqual(right.MachineTypes) && left.Links.SequenceEqual(right.Links)
        && left with { Unknown = null, CpuModels = right.CpuModels, MachineTypes = right.MachineTypes, Links = right.Links } == right with { Unknown = null };

    private static AcceleratorKind KindOf(Engine.Accelerator accelerator) => accelerator switch
    {
        Engine.Accelerator.Kvm => AcceleratorKind.Kvm,
        _ => AcceleratorKind.Tcg,
    };
}
