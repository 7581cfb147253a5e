using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Networks;
using Lamina.Server.Networks.Firewall;
using Lamina.Server.Operations;
using Lamina.Server.Vms;

namespace Lamina.Tests.Crash;

/// <summary>What must hold of a world whose daemon has come to rest (pure). Each gives what is wrong, in words.</summary>
internal static class Invariants
{
    /// <summary>Top folders of a world's data.</summary>
    private static readonly string[] DataFolders = ["backups", "cache", "db", "pools", "secrets"];
    private static readonly string[] DataFiles = ["admin-password", "host.json", "instance-number"];

    /// <summary>All of them; in the order in which a reader wants to know.</summary>
    public static IEnumerable<string> Broken(Facts facts) =>
        [.. Operations(facts), .. Claims(facts), .. Content(facts), .. Guests(facts), .. Links(facts), .. Processes(facts), .. Leftovers(facts)];

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
            .Concat(store.All(Keys.Networks.Spec).Select(network => network.Id)).Concat(store.All(Keys.Hosts.Spec).Select(host => host.Id))
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
            if (!used.Contains(disk.Id)) yield return $"disk {disk.Record.Name} belongs to no VM";
            if (store.Get(Keys.Disks.Status, disk.Id)?.Record.State != ContentState.Ready) yield return $"disk {disk.Record.Name} was never made";
            else if (!files.Contains($"data/pools/default/disks/{disk.Id}/disk.{(disk.Record.Format == DiskFormat.Raw ? "raw" : "qcow2")}")) yield return $"the file of disk {disk.Record.Name} is lost";
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

        string pool = store.All(Keys.Pools.Spec).First(known => known.Record.Name == "default").Id;
        foreach (string folder in PoolOrphans.Folders)
        {
            foreach (string id in NamesIn(facts, $"data/pools/default/{folder}"))
            {
                if (!PoolOrphans.HasRecord(store, pool, folder, id)) yield return $"orphan {folder}/{id}";
            }
        }

        foreach (string upload in NamesIn(facts, "data/pools/default/uploads"))
        {
            if (store.Get(Keys.Uploads, upload) is null) yield return $"upload {upload} has no record";
        }
    }

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
            else if (status.State is VmState.Starting or VmState.Gone) yield return $"VM {name} stays {status.State}";
            else if (runs != (inCgroup == 1)) yield return $"VM {name} is {status.State}, and its cgroup has {inCgroup} processes";
            if (status is not null && vm.Record.Power.Request is { } request && status.Served != request) yield return $"VM {name} has not served {request}, but {status.Served}";
            if (vm.Record.Deleting is not null) yield return $"VM {name} stays half deleted";
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
        var expected = store.All(Keys.Networks.Spec).Select(network => facts.Instance.LinkName(network.Id, NetworkPlan.BridgeSlot)).ToHashSet(StringComparer.Ordinal);
        foreach (var vm in store.All(Keys.Vms.Spec).Where(vm => facts.Cgroups.GetValueOrDefault(vm.Id)?.Count > 0))
            expected.UnionWith(vm.Record.Nics.Where(nic => nic.Kind == NicKind.Network).Select(nic => NetworkPlan.TapOf(facts.Instance, vm.Id, nic.Slot)));
        foreach (var (name, alias) in facts.Links.Where(link => !expected.Contains(link.Key))) yield return $"the link {name} ({alias}) is left";
        foreach (string name in expected.Where(name => !facts.Links.ContainsKey(name))) yield return $"the link {name} is missing";
        string[] tables = [$"table inet {facts.Instance.NftTable}", $"table bridge {facts.Instance.NftTable}", $"table bridge {HostFirewall.TableOf(facts.Instance.NftTable)}"];
        if (!tables.Order().SequenceEqual(facts.Tables.Order())) yield return $"the rules are {string.Join(", ", facts.Tables)}";
    }

    /// <summary>Nobody but the guests' QEMUs and one dnsmasq for each network.</summary>
    private static IEnumerable<string> Processes(Facts facts)
    {
        var guests = facts.Cgroups.Values.SelectMany(members => members).ToHashSet();
        var servers = facts.Processes.Where(process => process.Program == "dnsmasq").ToArray();
        int networks = facts.Store.Count(Keys.Networks.Spec);
        if (servers.Length != networks) yield return $"{servers.Length} dnsmasq serve {networks} networks";
        foreach (var process in facts.Processes.Except(servers).Where(process => !guests.Contains(process.ProcessId))) yield return $"the process {process} is left";
    }

    /// <summary>No unfinished file anywhere, and nothing that nobody knows.</summary>
    private static IEnumerable<string> Leftovers(Facts facts)
    {
        foreach (string path in facts.Paths.Where(path => path.Split('/').Any(part => part.Contains(".tmp", StringComparison.Ordinal)))) yield return $"{path} is left";
        foreach (string name in NamesIn(facts, "data").Except(DataFolders).Except(DataFiles)) yield return $"data/{name} is unknown";
        foreach (string name in NamesIn(facts, "run").Except(["lamina.sock", "networks", "vms"])) yield return $"run/{name} is unknown";
        foreach (string id in NamesIn(facts, "run/networks").Where(id => facts.Store.Get(Keys.Networks.Spec, id) is null)) yield return $"run/networks/{id} is left";
    }

    /// <summary>Also while things are in motion.</summary>
    public static string? TwoOf(Facts facts, string vmId)
    {
        var processes = facts.Processes.Where(process => process.IsQemu && process.IsOf(vmId)).ToArray();
        return processes.Length > 1 ? $"VM {vmId} runs {processes.Length} times: {string.Join("; ", processes.AsEnumerable())}" : null;
    }

    private static IEnumerable<string> NamesIn(Facts facts, string folder) =>
        facts.Paths.Where(path => Path.GetDirectoryName(path) == folder).Select(path => Path.GetFileName(path));
}
