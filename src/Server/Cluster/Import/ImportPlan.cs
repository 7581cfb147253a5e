using System.Globalization;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Cluster.Import;

/// <summary>A claim to be made in the cluster for an object that is about to come.</summary>
internal sealed record ImportReservation(RecordKind<Claim> Kind, string Id, string Owner);

/// <summary>
/// What becomes of a joining host's objects (pure). Whatever people, guests or other machines know by its name or number keeps it, or is a clash: VMs, disks, networks, MACs, addresses. What is
/// only referred to by its id (pools, images, media, firewall groups, placement rules, and the network <c>default</c>) gets the host's name added when the cluster has one of its name.
/// </summary>
internal sealed record ImportPlan
{
    private const string Image = "image";

    private static readonly string[] Renamed = ["pool", Image, "iso", "firewallGroup", "placementRule"];

    /// <summary>All of them; empty: the host's objects can come along.</summary>
    public IReadOnlyList<Failure> Clashes { get; init; } = [];

    public ImportMapping Mapping { get; init; } = new();

    /// <summary>All claims that the objects need.</summary>
    public IReadOnlyList<ImportReservation> Claims { get; init; } = [];

    /// <summary>What will be different, for people.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <param name="cluster">Its records.</param>
    /// <param name="own">What the host brings. Claims that are its objects' already are of an attempt before.</param>
    /// <param name="hostName">Added to names.</param>
    public static ImportPlan Of(CacheSnapshot cluster, ImportManifest own, string hostName)
    {
        var networks = own.Networks.Select(network => ImportedNetworks.FateOf(cluster, network, hostName)).ToArray();
        var mapping = new ImportMapping
        {
            Networks = networks.Where(fate => fate.Other is not null).ToDictionary(fate => fate.Id, fate => fate.Other!, StringComparer.Ordinal),
            Names = NewNames(cluster, own, networks, hostName),
            Projects = [.. own.Projects.Where(name => cluster.Get(Keys.Projects, name) is null)],
            Users = [.. own.Users.Where(name => cluster.Get(Keys.Users, name) is null)],
        };
        ImportReservation[] claims =
        [
            .. from claim in own.Names
               let id = mapping.NameId(claim)
               where id is not null
               select new ImportReservation(Keys.Names, id, claim.Owner),
            .. own.Macs.Select(claim => new ImportReservation(Keys.Macs, claim.Id, claim.Owner)),
            .. from claim in own.Addresses
               let id = mapping.AddressId(claim.Id)
               where id is not null
               select new ImportReservation(Keys.Addresses, id, claim.Owner),
        ];
        return new ImportPlan
        {
            Clashes =
            [
                .. Unfinished(own),
                .. SameObjects(cluster, own),
                .. networks.SelectMany(fate => fate.Clashes),
                .. SharedPools(cluster, own),
                .. claims.Where(claim => IsTaken(cluster, claim)).Select(claim => Taken(cluster, own, claim)),
            ],
            Mapping = mapping,
            Claims = claims,
            Notes = [.. Words(cluster, own, mapping)],
        };
    }

    private static Dictionary<string, string> NewNames(CacheSnapshot cluster, ImportManifest own, IEnumerable<ImportedNetworkFate> networks, string hostName)
    {
        var names = networks.Where(fate => fate.NewName is not null).ToDictionary(fate => fate.Id, fate => fate.NewName!, StringComparer.Ordinal);
        foreach (var claim in own.Names)
        {
            var (_, kind, name) = claim.Parts();
            if (Renamed.Contains(kind) && IsTaken(cluster, new ImportReservation(Keys.Names, claim.Id, claim.Owner))) names[claim.Owner] = $"{name}-{hostName}";
        }

        return names;
    }

    private static bool IsTaken(CacheSnapshot cluster, ImportReservation claim) => cluster.Get(claim.Kind, claim.Id) is { } there && there.Record.Owner != claim.Owner;

    private static Failure Taken(CacheSnapshot cluster, ImportManifest own, ImportReservation claim)
    {
        if (claim.Kind == Keys.Names) return NameTaken(new ImportedClaim(claim.Id, claim.Owner));
        string mine = own.NameOf(claim.Owner), theirs = VmName(cluster, cluster.Get(claim.Kind, claim.Id)!.Record.Owner);
        return claim.Kind == Keys.Macs
            ? Clash("cluster.macTaken", $"A card of {mine} has the MAC {claim.Id}, which a card of the cluster's vm {theirs} has.", "Remove one of the two cards and plug in a new one: lamina vm nic remove VM SLOT, lamina vm nic add VM")
            : Clash(
                "cluster.addressTaken",
                $"A card of {mine} has the address {claim.Id[(claim.Id.IndexOf('/', StringComparison.Ordinal) + 1)..]}, which a card of the cluster's vm {theirs} has in the same network.",
                "Give one of the two another: lamina vm nic set VM SLOT --address ADDRESS");
    }

    private static Failure NameTaken(ImportedClaim claim)
    {
        var (_, kind, name) = claim.Parts();
        return Clash("cluster.nameTaken", $"The cluster has a {claim.Words} already.", kind switch
        {
            "vm" => $"Rename one of the two: lamina vm rename {name} NEW",
            "disk" => $"Rename one of the two: lamina disk rename {name} NEW",
            "network" => $"Rename one of the two: lamina network set {name} --name NEW",
            _ => "Delete one of the two.",
        });
    }

    private static IEnumerable<Failure> Unfinished(ImportManifest own) => own.Unfinished.Select(operation => Clash(
        "cluster.underWay", $"The operation {operation} is under way.", $"Wait for its end, or cancel it: lamina operation cancel {operation.Split(' ')[^1]}"));

    private static IEnumerable<Failure> SameObjects(CacheSnapshot cluster, ImportManifest own) => own.Names
        .Where(claim => IsThere(cluster, claim.Owner))
        .Select(claim => Clash("cluster.sameObject", $"The cluster has the very {claim.Words} ({claim.Owner}) already: was the data folder copied?", "Delete it on one of the two sides."));

    private static bool IsThere(CacheSnapshot cluster, string id) =>
        cluster.Get(Keys.Vms.Spec, id) is not null || cluster.Get(Keys.Disks.Spec, id) is not null || cluster.Get(Keys.Images.Spec, id) is not null
        || cluster.Get(Keys.Isos.Spec, id) is not null || cluster.Get(Keys.Pools.Spec, id) is not null || cluster.Get(Keys.Networks.Spec, id) is not null
        || cluster.Get(Keys.Snapshots.Spec, id) is not null || cluster.Get(Keys.FirewallGroups, id) is not null || cluster.Get(Keys.PlacementRules, id) is not null;

    private static IEnumerable<Failure> SharedPools(CacheSnapshot cluster, ImportManifest own) =>
        from pool in own.SharedPools
        from other in cluster.All(Keys.Pools.Spec)
        where other.Record.Scope == PoolScope.Shared && other.Record.Path == pool.Path
        select Clash(
            "cluster.poolTaken", $"The shared pool {pool.Name} lies at {pool.Path}, where the cluster's pool {other.Record.Name} lies.",
            $"Move its disks to another pool (lamina disk move) and delete it here: lamina pool delete {pool.Name}");

    private static IEnumerable<string> Words(CacheSnapshot cluster, ImportManifest own, ImportMapping mapping)
    {
        foreach (var (id, name) in mapping.Names.OrderBy(pair => pair.Value, StringComparer.Ordinal)) yield return $"{own.NameOf(id)} becomes {name}, since the cluster has one of its name.";
        foreach (var (id, other) in mapping.Networks.Where(pair => pair.Value.Length > 0))
            yield return $"Cards in {own.NameOf(id)} are in the cluster's network {cluster.Get(Keys.Networks.Spec, other)!.Record.Name} from then on: it has the same subnet.";
        string[] known = [.. own.Users.Except(mapping.Users)];
        if (known.Length > 0) yield return string.Create(CultureInfo.InvariantCulture, $"{(known.Length == 1 ? "The user" : "The users")} {string.Join(", ", known)} of the cluster keep{(known.Length == 1 ? "s its" : " their")} password and rights.");
        if (mapping.Users.Count > 0) yield return $"The users {string.Join(", ", mapping.Users)} come along with their rights in projects; rights over everything, tokens and sessions do not.";
    }

    private static string VmName(CacheSnapshot cluster, string id) => cluster.Get(Keys.Vms.Spec, id)?.Record.Name ?? id;

    internal static Failure Clash(string code, string message, string remedy) => new() { Code = code, Message = message, Remedy = remedy };
}
