using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Maintenance.Plan;
using Lamina.Server.Migration;
using Lamina.Server.Placement;

namespace Lamina.Server.Maintenance;

/// <summary>Where a VM can go now (pure).</summary>
internal static class Mobilities
{
    /// <summary>The host that has it first, then by name; a witness runs no VM and is left out.</summary>
    public static IReadOnlyList<VmMobility> Of(CacheSnapshot snapshot, CachedRecord<VmSpec> vm)
    {
        string? here = snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host;
        var links = MeasuredLinks.Read(snapshot);
        var world = PlacementBoard.Read(snapshot);
        return
        [
            .. snapshot.All(Keys.Hosts.Spec).Where(host => !host.Record.Witness)
                .OrderByDescending(host => host.Id == here).ThenBy(host => host.Record.Name, StringComparer.Ordinal)
                .Select(host => host.Id == here ? Here(host) : Of(snapshot, vm, host, here, links, world)),
        ];
    }

    private static VmMobility Here(CachedRecord<HostSpec> host) => new() { Host = host.Id, HostName = host.Record.Name, IsHere = true };

    private static VmMobility Of(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, CachedRecord<HostSpec> host, string? here, EvacuationLinks links, PlacementWorld world)
    {
        var plain = Migrations.Forecast(snapshot, vm, new MigrationRequest { To = host.Id }, world);
        var whole = Migrations.Forecast(snapshot, vm, new MigrationRequest { To = host.Id, WithStorage = true }, world);
        bool canGo = plain.Blockers.Count == 0;
        bool withStorage = whole.Blockers.Count == 0;
        var way = canGo || !withStorage ? plain : whole;
        double? rate = here is null ? null : MeasuredLinks.Between(links, here, host.Id);
        return new VmMobility
        {
            Host = host.Id,
            HostName = host.Record.Name,
            CanGo = canGo,
            CanGoWithStorage = withStorage,
            Live = plain.Kind == HandoverKind.Live,
            Reasons = plain.Blockers,
            Seconds = (canGo || withStorage) && rate is { } bytesPerSecond ? Evacuees.BytesOf(snapshot, vm, way) / bytesPerSecond : null,
            Loses = canGo || withStorage ? Lost(snapshot, vm, plain.Kind) : [],
        };
    }

    /// <summary>The host's own address stands in the connections that go out by NAT, and in those forwarded from it (decision 21).</summary>
    private static IReadOnlyList<string> Lost(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, HandoverKind kind)
    {
        if (kind != HandoverKind.Live) return [];
        var lost = vm.Record.Nics.Select(nic => nic.Network is null ? null : snapshot.Get(Keys.Networks.Spec, nic.Network)?.Record)
            .Where(network => network?.Kind == NetworkKind.Nat).Select(network => $"connections to the world by the NAT of network '{network!.Name}'").Distinct().ToList();
        if (vm.Record.Nics.Any(nic => nic.Network is null)) lost.Add("connections of its cards in user mode");
        return lost;
    }
}
