using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Placement;
using Lamina.Server.Http;
using Lamina.Server.OperatingSystems;
using Lamina.Server.Pools;

namespace Lamina.Server.Vms.Rules;

/// <summary>
/// What the rules may look at: one snapshot, and finders for what a request names. A request names few objects of possibly thousands, so they are
/// found, not copied.
/// </summary>
internal sealed class VmLookups(CacheSnapshot snapshot, string project)
{
    public CacheSnapshot Snapshot { get; } = snapshot;

    public string Project { get; } = project;

    /// <summary>Id of the host whose default pool takes what names none: the VM's, else the one that is asked.</summary>
    public string HostId { get; init; } = "";

    /// <summary>The VM has that host: its disks must lie where that reaches them.</summary>
    public bool HasHost { get; init; }

    /// <summary>What is known of guests' systems; without one, nothing is advised.</summary>
    public OperatingSystemCatalogue OperatingSystems { get; init; } = OperatingSystemCatalogue.Empty;

    /// <summary>Every host that has told what it is.</summary>
    public IReadOnlyList<HostStatus> Hosts { get; } = [.. snapshot.All(Keys.Hosts.Status).Select(host => host.Record).Where(host => host.MemoryMiB > 0)];

    /// <summary>The CPU that new VMs get; null: no host has told yet what it offers.</summary>
    public CpuBaseline? Baseline { get; } = CpuBaselines.Read(snapshot);

    public Image? FindImage(string nameOrId) => Snapshot.TryFind(Keys.Images.Spec, "image", Project, nameOrId) is { } spec
        ? new Image { Id = spec.Id, Name = spec.Record.Name, Project = Project, Spec = spec.Record, Status = Snapshot.Get(Keys.Images.Status, spec.Id)?.Record }
        : null;

    public Iso? FindIso(string nameOrId) => Snapshot.TryFind(Keys.Isos.Spec, "iso", Project, nameOrId) is { } spec
        ? new Iso { Id = spec.Id, Name = spec.Record.Name, Project = Project, Spec = spec.Record, Status = Snapshot.Get(Keys.Isos.Status, spec.Id)?.Record }
        : null;

    /// <summary>Networks and pools of the default project serve every project.</summary>
    public CachedRecord<NetworkSpec>? FindNetwork(string nameOrId) =>
        Snapshot.TryFind(Keys.Networks.Spec, "network", Project, nameOrId)
        ?? Snapshot.TryFind(Keys.Networks.Spec, "network", ProjectRecord.DefaultProject, nameOrId);

    public CachedRecord<PoolSpec>? FindPool(string nameOrId) => Snapshot.TryFindInstalled(Keys.Pools.Spec, "pool", nameOrId);

    /// <summary>What takes a thing that names no pool.</summary>
    public CachedRecord<PoolSpec>? DefaultPool => PoolHosts.DefaultOf(Snapshot, HostId) ?? FindPool(HostPools.DefaultName);

    public bool IsNameTaken(string kind, string name) => Snapshot.Get(Keys.Names, Keys.NameId(Project, kind, name)) is not null;

    public bool IsMacTaken(string mac) => Snapshot.Get(Keys.Macs, mac) is not null;

    public bool IsAddressTaken(string network, string address) => Snapshot.Get(Keys.Addresses, Keys.AddressId(network, address)) is not null;
}
