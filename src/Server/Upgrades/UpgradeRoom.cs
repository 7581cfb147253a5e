using Lamina.Linux.Cgroups;
using Lamina.Server.Cluster;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Maintenance;
using Lamina.Server.Operations;

namespace Lamina.Server.Upgrades;

/// <summary>What the room is made of.</summary>
internal sealed record UpgradeParts
{
    public required Instance Instance { get; init; }
    public required MaintenanceGround Ground { get; init; }
    public required Leadership Leadership { get; init; }
    public required OperationExecutor Executor { get; init; }
    public required PeerDirectory Peers { get; init; }
    public required DaemonRestart Restart { get; init; }
    public required ClusterRoom Cluster { get; init; }

    /// <summary>Ids of the VMs whose process this daemon holds.</summary>
    public required Func<IReadOnlyCollection<string>> Attached { get; init; }
    public required CgroupManager Cgroups { get; init; }

    /// <summary>PEM file of the key by which packages must be signed; null: none.</summary>
    public string? KeyFile { get; init; }
}

/// <summary>The room Upgrades, put together: another version of the daemon on all hosts.</summary>
internal sealed class UpgradeRoom
{
    private readonly UpgradeParts _parts;
    private readonly VersionFolder _versions;
    private readonly UpgradePackages _packages;
    private readonly UpgradeSignature _signature;

    public UpgradeRoom(UpgradeParts parts)
    {
        _parts = parts;
        _versions = new VersionFolder(parts.Instance.DataDirectory);
        _packages = new UpgradePackages(_versions, parts.Peers, parts.Ground.Cache);
        _signature = new UpgradeSignature(parts.KeyFile);
        new UpgradeHand(_versions, _packages, _signature, new UpgradeProof(Misfit), parts.Restart, parts.Ground.Time).Register(parts.Executor);
    }

    public void Map(ApiRoutes api, PeerRoutes peers)
    {
        new UpgradeEndpoints(_packages, _signature, _parts.Ground.Requests, _parts.Ground.Events).Map(api);
        _packages.Map(peers);
    }

    public void Add(Loops loops)
    {
        _parts.Leadership.Add("upgrade", (term, stopping) => new UpgradeController(_parts.Ground, term).RunAsync(stopping));
        loops.Add("trial", new TrialWatch(_versions, _parts.Restart, _parts.Ground.Time, _parts.Ground.Loggers.CreateLogger<TrialWatch>()).RunAsync);
    }

    /// <summary>What a daemon that has just started still lacks.</summary>
    private string? Misfit()
    {
        if (_parts.Ground.Cache.IsStale) return "the store does not answer";
        if (_parts.Cluster.EtcdMisfit is { } misfit) return misfit;
        var attached = _parts.Attached();
        string[] missing = [.. _parts.Cgroups.List().Where(group => !group.IsEmpty && Guid.TryParse(group.Name, out _) && !attached.Contains(group.Name)).Select(group => group.Name)];
        return missing.Length == 0 ? null : $"guests run that it has not found again: {string.Join(", ", missing)}";
    }
}
