using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Copies;
using Lamina.Server.Disks;
using Lamina.Server.Networks;
using Lamina.Server.Networks.Firewall;
using Lamina.Server.Operations;
using Lamina.Server.Snapshots;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Run;

namespace Lamina.Tests.Crash;

/// <summary>What must hold of a world whose daemon has come to rest (pure). Each gives what is wrong, in words.</summary>
internal static class Invariants
{
    /// <summary>Top folders of a world's data.</summary>
    private static readonly string[] DataFolders = ["backups", "cache", "db", "metrics", "pools", "secrets", "uplinks"];
    private static readonly string[] DataFiles = ["admin-password", "host.json", "instance-number"];

    /// <summary>All of them; in the order in which a reader wants to know.</summary>
    public static IEnumerable<string> Broken(Facts facts) =>
        [.. Operations(facts), .. Claims(facts), .. Content(facts), .. States(facts), .. Guests(facts), .. Links(facts), .. Processes(facts), .. Leftovers(facts)];

    /// <summary>Every operation has ended.</summary>
    private static IEnumerable<string> Operations(Facts facts) => facts.Store.All(Keys.Operations.Request)
        .Select(request => (request, State: facts.Store.Get(Keys.Operations.State, request.Id)?.Record))
        .Where(operation => !operation.State.IsEnded())
        .Select(operation => $"operation {operation.request.Record.Kind} {operation.request.Id} has not ended: {operation.State}");

    /// <summary>Names, MACs, addresses and secrets belong to somebody, and everybody has his.</summary>
    private static IEnumerable<string> Claims(Facts facts)
    {
        var store = facts.Store;
        var vms = store.All(Keys.Vms.Spec).ToArray();
        var owners = vms.Select(vm => vm.Id).Concat(store.All(Keys.Disks.Spec).Select(disk => disk.Id)).Concat(store.All(Keys.Images.Spec).Select(image => image.Id))
            .Concat(store.All(Keys.Isos.Spec).Select(iso => iso.Id)).Concat(store.All(Keys.Pools.Spec).Select(pool => pool.Id))
            .Concat(store.All(Keys.Networks.Spec).Select(network => network.Id)).Concat(store.All(Keys.Snapshots.Spec).Select(snapshot => snapshot.Id)).Concat(store.All(Keys.Hosts.Spec).Select(host => host.Id))
            .Concat(store.All(Keys.Users).Select(user => user.Id)).Concat(store.All(Keys.Tokens).Select(token => token.Id)).ToHashSet(StringComparer.Ordinal);
        foreach (var claim in store.All(Keys.Names).Concat(store.All(Keys.Macs)).Concat(store.All(Keys.Addresses)))
        {
            if (!owners.Contains(claim.Record.Owner)) yield return $"{claim.Id} is claimed by {claim.Record.Owner}, which is no more";
        }

        foreach (var (secret, owner) in facts.Secrets)
        {
            if (!owners.Contains(owner)) yield return $"secret {secret} belongs to {owner}, which is no more";
        }

        foreach (var vm in vms)
        {
            if (store.Get(Keys.Names, Keys.NameId(vm.Record.Project, "vm", vm.Record.Name))?.Record.Owner != vm.Id) yield return $"VM {vm.Record.Name} has not its name";
            foreach (var nic in vm.Record.Nics.Where(nic => store.Get(Keys.Macs, nic.Mac)?.Record.Owner != vm.Id)) yield return $"VM {vm.Record.Name} has not the MAC {nic.Mac}";
        }
    }

    /// <summary>Every record has its file, every file its record, and a disk belongs to a VM.</summary>
    private static IEnumerable<string> Content(Facts facts)
    {
        var store = facts.Store;
        var files = facts.Paths.ToHashSet(StringComparer.Ordinal);
        var used = store.All(Keys.Vms.Spec).SelectMany(vm => vm.Record.Disks.Select(disk => disk.Disk)).ToHashSet(StringComparer.Ordinal);
        foreach (var disk in store.All(Keys.Disks.Spec))
        {
            if (disk.Record.Vm is not null && !used.Contains(disk.Id)) yield return $"disk {disk.Record.Name} belongs to no VM";
            if (store.Get(Keys.Disks.Status, disk.Id)?.Record is not { State: ContentState.Ready } status)
            {
                yield return $"disk {disk.Record.Name} was never made";
                continue;
            }

            string folder = $"{FolderOf(facts, disk.Record.Pool)}/disks/{disk.Id}";
            var named = new DiskLayers(status).All.Select(layer => DiskLayers.IsFirstFile(layer) && disk.Record.Format == DiskFormat.Raw ? "disk.raw" : $"{DiskLayers.FileOf(layer)}.qcow2").ToArray();
            string[] present = [.. NamesIn(facts, folder)];
            foreach (string file in named.Except(present)) yield return $"the file {file} of disk {disk.Record.Name} is lost";
            foreach (string file in present.Except(named)) yield return $"{file} of disk {disk.Record.Name} belongs to none of its layers";
        }

        foreach (var image in store.All(Keys.Images.Spec))
        {
            if (store.Get(Keys.Images.Status, image.Id)?.Record.State != ContentState.Ready) yield return $"image {image.Record.Name} was never made";
            else if (!files.Contains($"data/pools/default/images/{image.Id}/image.qcow2")) yield return $"the file of image {image.Record.Name} is lost";
        }

        foreach (var iso in store.All(Keys.Isos.Spec))
        {
            if (store.Get(Keys.Isos.Status, iso.Id)?.Record.State != ContentState.Ready) yield return $"medium {iso.Record.Name} was never made";
            else if (!files.Contains($"data/pools/default/isos/{iso.Id}/medium")) yield return $"the file of medium {iso.Record.Name} is lost";
        }

        foreach (string pool in store.All(Keys.Pools.Spec).Select(known => known.Id))
        {
            foreach (string folder in PoolOrphans.Folders)
            {
                foreach (string id in NamesIn(facts, $"{FolderOf(facts, pool)}/{folder}"))
                {
                    if (!PoolOrphans.HasRecord(store, pool, folder, id)) yield return $"orphan {folder}/{id}";
                }
            }
        }

        foreach (string upload in NamesIn(facts, "data/pools/default/uploads"))
        {
            if (store.Get(Keys.Uploads, upload) is null) yield return $"upload {upload} has no record";
        }
    }

    /// <summary>Snapshots are whole, belong to a VM and have their files; of what is used up or was given up no file is left.</summary>
    private static IEnumerable<string> States(Facts facts)
    {
        var store = facts.Store;
        foreach (var snapshot in store.All(Keys.Snapshots.Spec))
        {
            string name = snapshot.Record.Name;
            if (store.Get(Keys.Vms.Spec, snapshot.Record.Vm) is null) yield return $"snapshot {name} belongs to no VM";
            if (snapshot.Record.Deleting is not null) yield return $"snapshot {name} stays half deleted";
            if (store.Get(Keys.Snapshots.Status, snapshot.Id)?.Record is not { } status)
            {
                yield return $"snapshot {name} was never taken";
                continue;
            }

            foreach (var disk in status.Disks)
            {
                if (!new DiskLayers(store.Get(Keys.Disks.Status, disk.Disk)?.Record).Has(disk.Layer)) yield return $"snapshot {name} lacks the layer {disk.Layer}";
            }

            if (status.Memory is not null && !facts.Paths.Any(path => path.EndsWith($"/vms/{snapshot.Record.Vm}/{status.Folder}/{VmResources.MemoryContentFile}", StringComparison.Ordinal)))
                yield return $"the memory of snapshot {name} is lost";
        }

        foreach (var vm in store.All(Keys.Vms.Spec))
        {
            var status = store.Get(Keys.Vms.Status, vm.Id)?.Record;
            if (status?.Job is { } job) yield return $"VM {vm.Record.Name} is still lent to {job}";
            string? waits = status?.Memory?.Folder;
            foreach (string folder in OwnFolders(facts, vm.Id, "").Where(folder => folder.StartsWith(SnapshotFiles.SuspendPrefix, StringComparison.Ordinal) && folder != waits))
                yield return $"{folder} of VM {vm.Record.Name} is left";
            foreach (string id in OwnFolders(facts, vm.Id, $"/{SnapshotFiles.Snapshots}").Where(id => store.Get(Keys.Snapshots.Spec, id) is null))
                yield return $"the folder of snapshot {id}, which is no more";
        }
    }

    private static IEnumerable<string> OwnFolders(Facts facts, string vm, string below) =>
        facts.Store.All(Keys.Pools.Spec).SelectMany(pool => NamesIn(facts, $"{FolderOf(facts, pool.Id)}/vms/{vm}{below}"));

    /// <summary>Never two processes of one VM; the status says whether there is one; what a run held goes with it.</summary>
    private static IEnumerable<string> Guests(Facts facts)
    {
        var store = facts.Store;
        foreach (var vm in store.All(Keys.Vms.Spec))
        {
            string name = vm.Record.Name;
            var status = store.Get(Keys.Vms.Status, vm.Id)?.Record;
            int inCgroup = facts.Cgroups.GetValueOrDefault(vm.Id)?.Count ?? 0;
            if (TwoOf(facts, vm.Id) is { } two) yield return two;
            bool runs = status?.State is VmState.Running or VmState.Paused or VmState.Unresponsive or VmState.Stopping;
            if (status is null) yield return $"VM {name} has no status";
            else if (status.State is VmState.Starting) yield return $"VM {name} stays {status.State}";
            else if (runs != (inCgroup == 1)) yield return $"VM {name} is {status.State}, and its cgroup has {inCgroup} processes";
            if (status is not null && vm.Record.Power.Request is { } request && status.Served != request) yield return $"VM {name} has not served {request}, but {status.Served}";
            if (vm.Record.Deleting is not null) yield return $"VM {name} stays half deleted";
            if (status?.State == VmState.Paused && vm.Record.Power.Wanted == PowerWanted.Running) yield return $"VM {name} stays paused";
            if (inCgroup == 0 && facts.Cgroups.ContainsKey(vm.Id)) yield return $"the empty cgroup of VM {name} is left";
            if (inCgroup == 0 && NamesIn(facts, "run/vms").Contains(vm.Id)) yield return $"the runtime folder of VM {name} is left";
        }

        foreach (string id in facts.Cgroups.Keys.Where(id => store.Get(Keys.Vms.Spec, id) is null)) yield return $"the cgroup of VM {id}, which is no more";
        foreach (string id in NamesIn(facts, "run/vms").Where(id => store.Get(Keys.Vms.Spec, id) is null)) yield return $"the runtime folder of VM {id}, which is no more";
    }

    /// <summary>Exactly the bridges of networks, the taps of running VMs, and the rules.</summary>
    private static IEnumerable<string> Links(Facts facts)
    {
        var store = facts.Store;
        var expected = store.All(Keys.Networks.Spec).Where(network => IsUp(facts, network)).Select(network => BridgeOf(facts, network)).ToHashSet(StringComparer.Ordinal);
        foreach (var vm in store.All(Keys.Vms.Spec).Where(vm => facts.Cgroups.GetValueOrDefault(vm.Id)?.Count > 0))
            expected.UnionWith(vm.Record.Nics.Where(nic => nic.Kind == NicKind.Network).Select(nic => NetworkPlan.TapOf(facts.Instance, vm.Id, nic.Slot)));
        foreach (string wrong in Card(facts)) yield return wrong;
        foreach (var (name, alias) in facts.Links.Where(link => !expected.Contains(link.Key) && link.Key is not (World.Card or World.CardPeer))) yield return $"the link {name} ({alias}) is left";
        foreach (string name in expected.Where(name => !facts.Links.ContainsKey(name))) yield return $"the link {name} is missing";
        string[] tables = [$"table inet {facts.Instance.NftTable}", $"table bridge {facts.Instance.NftTable}", $"table bridge {HostFirewall.TableOf(facts.Instance.NftTable)}"];
        if (!tables.Order().SequenceEqual(facts.Tables.Order())) yield return $"the rules are {string.Join(", ", facts.Tables)}";
    }

    /// <summary>The host's own address is on its card, or on the bridge that the card is in; never lost, never on both.</summary>
    private static IEnumerable<string> Card(Facts facts)
    {
        if (!facts.Links.ContainsKey(World.Card)) yield break;
        string bearer = facts.Store.All(Keys.Networks.Spec).Where(network => network.Record.Kind == NetworkKind.Bridge && IsUp(facts, network))
            .Select(network => BridgeOf(facts, network)).FirstOrDefault(World.Card);
        if (!facts.CardBearers.SequenceEqual([bearer])) yield return $"the host's address is on {string.Join(" and ", facts.CardBearers)}, not on {bearer}";
    }

    private static string BridgeOf(Facts facts, CachedRecord<NetworkSpec> network) => facts.Instance.LinkName(network.Id, NetworkPlan.BridgeSlot);

    /// <summary>A network that only bridges to a card has no bridge while the card has its addresses itself.</summary>
    private static bool IsUp(Facts facts, CachedRecord<NetworkSpec> network) => network.Record.Kind != NetworkKind.Bridge
        || NetworkStatuses.Of(facts.Store, network.Id)?.Uplink?.State is UplinkState.AwaitingConfirmation or UplinkState.Confirmed;

    /// <summary>Nobody but the guests' QEMUs and one dnsmasq for each network.</summary>
    private static IEnumerable<string> Processes(Facts facts)
    {
        var guests = facts.Cgroups.Values.SelectMany(members => members).ToHashSet();
        var servers = facts.Processes.Where(process => process.Program == "dnsmasq").ToArray();
        int networks = facts.Store.All(Keys.Networks.Spec).Count(network => network.Record.Kind != NetworkKind.Bridge);
        if (servers.Length != networks) yield return $"{servers.Length} dnsmasq serve {networks} networks";
        foreach (var process in facts.Processes.Except(servers).Where(process => !guests.Contains(process.ProcessId))) yield return $"the process {process} is left";
    }

    /// <summary>No unfinished file anywhere, and nothing that nobody knows.</summary>
    private static IEnumerable<string> Leftovers(Facts facts)
    {
        foreach (string path in facts.Paths.Where(path => path.Split('/').Any(part => part.Contains(".tmp", StringComparison.Ordinal) && !IsExport(facts, part)))) yield return $"{path} is left";
        foreach (string name in NamesIn(facts, "data").Except(DataFolders).Except(DataFiles)) yield return $"data/{name} is unknown";
        foreach (string name in NamesIn(facts, "run").Except(["lamina.sock", "networks", "vms"])) yield return $"run/{name} is unknown";
        foreach (string id in NamesIn(facts, "data/uplinks").Where(id => facts.Store.Get(Keys.Networks.Spec, id) is null)) yield return $"data/uplinks/{id} is left";
        foreach (string id in NamesIn(facts, "run/networks").Where(id => facts.Store.Get(Keys.Networks.Spec, id) is null)) yield return $"run/networks/{id} is left";
    }

    /// <summary>A file that waits to be fetched.</summary>
    private static bool IsExport(Facts facts, string folder) => folder.StartsWith(".tmp-", StringComparison.Ordinal)
        && facts.Store.Get(Keys.Operations.Request, folder[".tmp-".Length..])?.Record.Kind == HostExports.Export
        && facts.Store.Get(Keys.Operations.State, folder[".tmp-".Length..])?.Record.Phase == OperationPhase.Succeeded;

    /// <summary>Of a pool, as <see cref="Facts.Paths"/> name it.</summary>
    private static string FolderOf(Facts facts, string pool) => facts.Store.Get(Keys.Pools.Spec, pool)?.Record.Path is { } path
        ? Path.GetRelativePath(Path.GetDirectoryName(facts.Instance.DataDirectory)!, path)
        : $"pools without record/{pool}";

    /// <summary>Also while things are in motion.</summary>
    public static string? TwoOf(Facts facts, string vmId)
    {
        var processes = facts.Processes.Where(process => process.IsQemu && process.IsOf(vmId)).ToArray();
        return processes.Length > 1 ? $"VM {vmId} runs {processes.Length} times: {string.Join("; ", processes.AsEnumerable())}" : null;
    }

    private static IEnumerable<string> NamesIn(Facts facts, string folder) =>
        facts.Paths.Where(path => Path.GetDirectoryName(path) == folder).Select(path => Path.GetFileName(path));
}
