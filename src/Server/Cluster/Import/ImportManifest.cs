using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Cluster.Import;

/// <summary>Says what a host that joins brings along, as far as it could clash with what the cluster has.</summary>
internal sealed record ImportManifest
{
    /// <summary>As in <see cref="Keys.Names"/>, but of the host itself.</summary>
    public IReadOnlyList<ImportedClaim> Names { get; init; } = [];
    public IReadOnlyList<ImportedClaim> Macs { get; init; } = [];
    public IReadOnlyList<ImportedClaim> Addresses { get; init; } = [];
    public IReadOnlyList<ImportedNetwork> Networks { get; init; } = [];

    /// <summary>Pools that several hosts may mount.</summary>
    public IReadOnlyList<ImportedPool> SharedPools { get; init; } = [];
    public IReadOnlyList<string> Projects { get; init; } = [];
    public IReadOnlyList<string> Users { get; init; } = [];

    /// <summary>Operations under way: <c>image.pull 0197…</c>.</summary>
    public IReadOnlyList<string> Unfinished { get; init; } = [];

    /// <summary>Of the host's own store (pure).</summary>
    public static ImportManifest Of(CacheSnapshot snapshot, string hostId)
    {
        var used = snapshot.All(Keys.Vms.Spec).SelectMany(vm => vm.Record.Nics).Select(nic => nic.Network).OfType<string>().ToHashSet(StringComparer.Ordinal);
        return new ImportManifest
        {
            Names = [.. Claims(snapshot, Keys.Names).Where(claim => claim.Owner != hostId)],
            Macs = [.. Claims(snapshot, Keys.Macs)],
            Addresses = [.. Claims(snapshot, Keys.Addresses)],
            Networks = [.. snapshot.All(Keys.Networks.Spec).Select(network => new ImportedNetwork(network.Id, network.Record, used.Contains(network.Id) || network.Record.Forwards.Count > 0))],
            SharedPools = [.. snapshot.All(Keys.Pools.Spec).Where(pool => pool.Record.Scope == PoolScope.Shared).Select(pool => new ImportedPool(pool.Record.Name, pool.Record.Path))],
            Projects = [.. snapshot.All(Keys.Projects).Select(project => project.Id)],
            Users = [.. snapshot.All(Keys.Users).Select(user => user.Id)],
            Unfinished = [.. snapshot.All(Keys.Operations.Request)
                .Where(operation => snapshot.Get(Keys.Operations.State, operation.Id)?.Record.Phase is null or OperationPhase.Pending or OperationPhase.Running)
                .Select(operation => $"{operation.Record.Kind} {operation.Id}")],
        };
    }

    /// <summary>Of VMs, for people.</summary>
    public string NameOf(string owner) => Names.FirstOrDefault(claim => claim.Owner == owner)?.Words ?? owner;

    private static IEnumerable<ImportedClaim> Claims(CacheSnapshot snapshot, RecordKind<Claim> kind) => snapshot.All(kind).Select(claim => new ImportedClaim(claim.Id, claim.Record.Owner));
}

/// <summary>A claim of the joining host's store.</summary>
/// <param name="Id">Of the record.</param>
/// <param name="Owner">Whose it is.</param>
internal sealed record ImportedClaim(string Id, string Owner)
{
    /// <summary>The three parts of a claim of a name.</summary>
    public (string Project, string Kind, string Name) Parts() => Id.Split('/', 3) is [var project, var kind, var name] ? (project, kind, name) : ("", "", Id);

    /// <summary>Of a claim of a name, for people: <c>vm web1</c>.</summary>
    internal string Words
    {
        get
        {
            var (project, kind, name) = Parts();
            return project is ProjectRecord.DefaultProject or Lookup.Installation ? $"{kind} {name}" : $"{kind} {name} of project {project}";
        }
    }
}

/// <summary>A network of the joining host.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Spec">Its record.</param>
/// <param name="IsUsed">Cards are in it, or ports lead into it.</param>
internal sealed record ImportedNetwork(string Id, NetworkSpec Spec, bool IsUsed);

/// <summary>A pool of the joining host.</summary>
internal sealed record ImportedPool(string Name, string Path);

/// <summary>
/// How the records of a host become records of the cluster: decided by the member that admits the host, kept by the host in <c>cluster.json</c> until all of them are there.
/// </summary>
internal sealed record ImportMapping
{
    /// <summary>Ids of networks that do not come along, and the cluster's network that their cards are in from now on; empty: none was.</summary>
    public IReadOnlyDictionary<string, string> Networks { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>New names, by the ids of the objects.</summary>
    public IReadOnlyDictionary<string, string> Names { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>That the cluster does not have.</summary>
    public IReadOnlyList<string> Projects { get; init; } = [];

    /// <summary>That the cluster does not have.</summary>
    public IReadOnlyList<string> Users { get; init; } = [];

    /// <summary>What becomes of the claim of a name; null: its object does not come along.</summary>
    public string? NameId(ImportedClaim claim)
    {
        if (Networks.ContainsKey(claim.Owner)) return null;
        var (project, kind, name) = claim.Parts();
        return Keys.NameId(project, kind, Names.GetValueOrDefault(claim.Owner, name));
    }

    /// <summary>What becomes of the claim of an address; null: its network does not come along, and nobody has it.</summary>
    public string? AddressId(string id)
    {
        string network = id.Split('/')[0];
        if (!Networks.TryGetValue(network, out string? other)) return id;
        return other.Length == 0 ? null : string.Concat(other, id.AsSpan(network.Length));
    }
}
