using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Placement;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Migration;

/// <summary>What stands in the way of a migration (pure): all of it at once, before anything begins.</summary>
internal static class MigrationBlockers
{
    public static IReadOnlyList<Failure> Of(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, MigrationRequest request, PlacementWorld world) =>
        [.. OfVm(snapshot, vm, request), .. OfHost(snapshot, vm, request, world), .. OfWay(snapshot, vm, request), .. OfStorage(snapshot, vm, request)];

    /// <summary>Disks that the target does not reach and that shall go along, with the pools they go to.</summary>
    public static IReadOnlyList<HandoverDisk> DisksOf(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, MigrationRequest request)
    {
        if (!request.WithStorage || PlacementHosts.Read(snapshot, request.To) is not { } host) return [];
        return
        [
            .. vm.Record.Disks.Select(disk => snapshot.Get(Keys.Disks.Spec, disk.Disk)).OfType<CachedRecord<DiskSpec>>()
                .Where(disk => !host.Reaches(disk.Record.Pool) && PoolFor(snapshot, disk.Record.Pool, host, request) is not null)
                .Select(disk => new HandoverDisk { Disk = disk.Id, From = disk.Record.Pool, To = PoolFor(snapshot, disk.Record.Pool, host, request)!, SizeBytes = disk.Record.SizeBytes }),
        ];
    }

    /// <summary>Its own files go along when the target does not reach them; null: they stay.</summary>
    public static HandoverHome? HomeOf(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, MigrationRequest request)
    {
        if (!request.WithStorage || !CanTakeFiles(snapshot, vm) || PlacementHosts.Read(snapshot, request.To) is not { } host) return null;
        string home = VmHome.PoolOf(snapshot, vm.Record);
        if (host.Reaches(home) || PoolFor(snapshot, home, host, request) is not { } pool) return null;
        // Beside its first disk, as they are now.
        string to = DisksOf(snapshot, vm, request).FirstOrDefault(disk => disk.From == home)?.To ?? pool;
        return new HandoverHome { From = home, To = to };
    }

    /// <summary>
    /// While it runs, QEMU brings what firmware and TPM hold, and nothing else of the files. A paused guest's firmware would not write it down at the target before it runs.
    /// </summary>
    private static bool CanTakeFiles(CacheSnapshot snapshot, CachedRecord<VmSpec> vm) => IsAtRest(snapshot, vm)
        || (HasFiles(vm.Record) && snapshot.Get(Keys.Vms.Status, vm.Id)?.Record.State is VmState.Running && !snapshot.All(Keys.Snapshots.Spec).Any(kept => kept.Record.Vm == vm.Id));

    private static bool HasFiles(VmSpec vm) => vm.Firmware == VmFirmware.Uefi || vm.Tpm is not null;

    private static bool IsAtRest(CacheSnapshot snapshot, CachedRecord<VmSpec> vm) => Migrations.IsAtRest(snapshot.Get(Keys.Vms.Status, vm.Id)?.Record);

    private static IEnumerable<Failure> OfVm(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, MigrationRequest request)
    {
        string name = vm.Record.Name;
        var status = snapshot.Get(Keys.Vms.Status, vm.Id)?.Record;
        if (vm.Record.Deleting is not null) yield return Blocked("vm.deleting", $"VM '{name}' is being deleted.", "Nothing else can be done with it any more.");
        if (RecoveryHold.IsUnruled(snapshot, vm.Id)) yield return Blocked("vm.recovering", $"Since the store was recovered it is not known where VM '{name}' runs.", "See: lamina cluster recovery show");
        if (snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record is not { } assignment) yield return Blocked("migration.notPlaced", $"VM '{name}' is on no host yet.", $"Start it: lamina vm start {name}.");
        else if (assignment.Host == request.To) yield return Blocked("migration.sameHost", $"VM '{name}' is on host '{snapshot.HostName(request.To)}' already.", $"See where else it can go: lamina vm mobility {name}.");
        if (snapshot.Get(Keys.Vms.Handover, vm.Id)?.Record is { } other)
            yield return Blocked("migration.underWay", $"VM '{name}' is on its way to host '{snapshot.HostName(other.To)}' already.", $"Follow it: lamina operation show {other.Operation}; or cancel it.");
        if (status?.Job is { } job) yield return Blocked("vm.busy", $"A {job.Kind.ToString().ToLowerInvariant()} of VM '{name}' is under way.", $"Follow it: lamina operation show {job.Operation}.");
        foreach (var open in OpenOperations(snapshot, vm.Id).Where(open => open.Id != status?.Job?.Operation && open.Record.Kind != Migrations.Operation))
            yield return Blocked("vm.busy", $"VM '{name}' has an operation under way: {open.Record.Kind}.", $"Follow it: lamina operation show {open.Id}.");
        switch (status?.State)
        {
            case VmState.Starting or VmState.Stopping or VmState.Unresponsive:
                yield return Blocked("migration.unsettled", $"VM '{name}' is {status.State.ToString().ToLowerInvariant()}.", "Wait until it runs or is stopped.");
                break;
            case VmState.Paused when status.PauseCause != PauseCause.Request:
                yield return Blocked("vm.paused", $"VM '{name}' is halted, and nobody has asked for that: {status.Failure?.Message ?? "something has happened to it."}", $"See what it is: lamina vm show {name}; then let it go on, or stop it.");
                break;
            case VmState.Running or VmState.Paused when request.Offline:
                yield return Blocked("vm.running", $"VM '{name}' runs or is paused, and --offline asks for one that does not.", $"Leave --offline out, or shut it down: lamina vm shutdown {name}.");
                break;
        }
    }

    /// <summary>What placement says of the host, with the memory it has free now.</summary>
    private static IEnumerable<Failure> OfHost(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, MigrationRequest request, PlacementWorld world)
    {
        string name = snapshot.HostName(request.To);
        if (world.Hosts.FirstOrDefault(host => host.Id == request.To) is not { } target)
        {
            yield return Blocked("migration.hostSilent", $"Host '{name}' has not told what it is.", $"See: lamina host show {name}.");
            yield break;
        }

        var wanted = PlacementBoard.RequestOf(snapshot, vm);
        foreach (var filter in PlacementFilters.All.Where(filter => filter.Code != "placement.pool" && filter.Rejects(wanted, target))) yield return filter.Reason(wanted, target);
        foreach (var rule in world.ConstraintsOn(wanted).Where(rule => !rule.Preferred && !rule.Allows(target.Id))) yield return Blocked(PlacementFilters.RuleCode, rule.Why(target.Name));
        var source = snapshot.Get(Keys.Vms.Status, vm.Id)?.Record;
        bool runs = source?.State is VmState.Running or VmState.Paused;
        if (runs && Placer.Admit(vm.Record.Name, vm.Record.MemoryMiB, target) is { } full) yield return full;
        if (runs && source?.Accelerator is { } accelerator && accelerator.Kind != target.Accelerator)
            yield return Blocked("migration.accelerator", $"VM '{vm.Record.Name}' runs under {Word(accelerator.Kind)}, and host '{name}' offers {Word(target.Accelerator)}: a running guest cannot change that.", "Shut it down first.");
    }

    /// <summary>Of the way that the memory of a running guest would take.</summary>
    private static IEnumerable<Failure> OfWay(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, MigrationRequest request)
    {
        if (snapshot.Get(Keys.Vms.Status, vm.Id)?.Record.State is not (VmState.Running or VmState.Paused) || snapshot.Get(Keys.Hosts.Status, request.To)?.Record is not { } target) yield break;
        string name = snapshot.HostName(request.To);
        string? network = MigrationRoute.SettingsIn(snapshot).Network;
        if (network is not null && MigrationRoute.AddressIn(network, target) is null)
            yield return Blocked("migration.networkMissing", $"Host '{name}' has no address in {network}, the network for migrations.", "Give it one, or choose another network: lamina migration set --network.");
        if (!request.AllowPostCopy) yield break;
        if (target.Links.Count == 0) yield return Blocked("migration.postCopyUnknown", $"The daemon of host '{name}' has not told whether guests can come there in post-copy.", "Upgrade it, or leave --allow-post-copy out.");
        if (target.PostCopyProblem is { } problem)
            yield return Blocked("migration.postCopy", $"Host '{name}': {problem.Message}", $"Or leave --allow-post-copy out. The setting stays over a reboot in a file of /etc/sysctl.d on '{name}'.");
    }

    private static IEnumerable<Failure> OfStorage(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, MigrationRequest request)
    {
        if (PlacementHosts.Read(snapshot, request.To) is not { } host) yield break;
        foreach (var disk in vm.Record.Disks.Select(disk => snapshot.Get(Keys.Disks.Spec, disk.Disk)).OfType<CachedRecord<DiskSpec>>().Where(disk => !host.Reaches(disk.Record.Pool)))
        {
            foreach (var blocker in OfDisk(snapshot, vm, disk, host, request)) yield return blocker;
        }

        foreach (var full in OfRoom(snapshot, vm, request)) yield return full;
        foreach (string medium in VmRecords.MediaOf(vm.Record))
        {
            if (snapshot.Get(Keys.Isos.Spec, medium)?.Record is { } iso && host.Reaches(iso.Pool)) continue;
            string what = snapshot.Get(Keys.Isos.Spec, medium)?.Record.Name ?? medium;
            yield return Blocked("migration.mediumMissing", $"Host '{host.Name}' does not reach '{what}', which VM '{vm.Record.Name}' has in a drive or boots from.", $"Take it out: lamina vm cdrom eject {vm.Record.Name}; or put it into a pool that both hosts reach.");
        }

        string home = VmHome.PoolOf(snapshot, vm.Record);
        bool hasFiles = HasFiles(vm.Record) || snapshot.Get(Keys.Vms.Status, vm.Id)?.Record.Memory is not null;
        if (hasFiles && !host.Reaches(home) && HomeOf(snapshot, vm, request) is null)
            yield return Blocked("migration.homeMissing", $"Firmware variables, TPM or memory of VM '{vm.Record.Name}' lie in pool '{PoolName(snapshot, home)}', which host '{host.Name}' does not reach.", HomeRemedy(snapshot, vm, host, request));
    }

    private static string HomeRemedy(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, PlacementHost host, MigrationRequest request)
    {
        string first = request.WithStorage && !IsAtRest(snapshot, vm) ? "Its snapshots keep files of their own, and a paused guest's cannot be written there: let it go on and delete its snapshots, or shut it down, and take" : "Take";
        return $"{first} them along: lamina vm migrate {vm.Record.Name} --to {host.Name} --with-storage; or keep such VMs in a pool that both hosts reach.";
    }

    private static IEnumerable<Failure> OfDisk(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, CachedRecord<DiskSpec> disk, PlacementHost host, MigrationRequest request)
    {
        string pool = PoolName(snapshot, disk.Record.Pool);
        if (!request.WithStorage)
        {
            yield return Blocked("migration.poolMissing", $"Host '{host.Name}' does not reach pool '{pool}', where disk {disk.Record.Name} lies.", "Take the disks along: --with-storage; or move them to a shared pool.");
            yield break;
        }

        if (IsAtRest(snapshot, vm) && disk.Record.Base is not null)
            yield return Blocked("migration.linkedClone", $"Disk {disk.Record.Name} stands on another disk, which stays in pool '{pool}'.", "Move it to a shared pool first, which makes it stand alone: lamina disk move.");
        if (PoolFor(snapshot, disk.Record.Pool, host, request) is null)
            yield return Blocked("migration.noPool", $"Host '{host.Name}' reaches no pool that could take disk {disk.Record.Name}.", "Name one: --pool.");
        // At rest all layers go along as they are.
        if (!IsAtRest(snapshot, vm) && DiskUse.SnapshotsOf(snapshot, disk.Id) is { Count: > 0 } snapshots)
            yield return Blocked("migration.hasSnapshots", $"Snapshots need the layers of disk {disk.Record.Name}, which become one when it goes along: {Images.ImageRules.Listed(snapshots)}.", "Delete these snapshots first, or use a shared pool.");
        if (DiskUse.ClonesOf(snapshot, disk.Id).Count > 0)
            yield return Blocked("migration.hasClones", $"Linked clones stand on disk {disk.Record.Name}.", "Delete them first, or use a shared pool.");
    }

    /// <summary>Pools that have less room now than what would enter them occupies.</summary>
    private static IEnumerable<Failure> OfRoom(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, MigrationRequest request)
    {
        foreach (var entering in DisksOf(snapshot, vm, request).GroupBy(disk => disk.To))
        {
            if (snapshot.Get(Keys.Pools.Status, entering.Key)?.Record is not { Available: true } room) continue;
            long needed = entering.Sum(disk => snapshot.Get(Keys.Disks.Status, disk.Disk)?.Record.AllocatedBytes ?? 0);
            if (needed > room.FreeBytes)
                yield return Blocked("migration.poolFull", $"The disks of VM '{vm.Record.Name}' occupy {Sizes.Format(needed)}, and pool '{PoolName(snapshot, entering.Key)}' has {Sizes.Format(room.FreeBytes)} left.", "Make room there, or name another pool: --pool.");
        }
    }

    /// <summary>Null: there is none.</summary>
    private static string? PoolFor(CacheSnapshot snapshot, string from, PlacementHost host, MigrationRequest request)
    {
        if (request.Pool is { } named) return snapshot.Get(Keys.Pools.Spec, named) is not null && host.Reaches(named) ? named : null;
        var reached = snapshot.All(Keys.Pools.Spec).Where(pool => pool.Record.Deleting is null && pool.Id != from && host.Reaches(pool.Id)).OrderBy(pool => pool.Id, StringComparer.Ordinal).ToList();
        string name = PoolName(snapshot, from);
        return (reached.FirstOrDefault(pool => pool.Record.Name == name) ?? reached.FirstOrDefault())?.Id;
    }

    private static IEnumerable<CachedRecord<OperationRequest>> OpenOperations(CacheSnapshot snapshot, string vmId) => snapshot.All(Keys.Operations.Request)
        .Where(request => request.Record.Target is { Kind: "vm" } target && target.Id == vmId && snapshot.Get(Keys.Operations.State, request.Id)?.Record.EndedAt is null);

    private static string PoolName(CacheSnapshot snapshot, string id) => snapshot.Get(Keys.Pools.Spec, id)?.Record.Name ?? id;

    private static string Word(AcceleratorKind kind) => kind == AcceleratorKind.Kvm ? "KVM" : "TCG";

    private static Failure Blocked(string code, string message, string? remedy = null) => new() { Code = code, Message = message, Remedy = remedy };
}
