using System.Text;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster.Import;

/// <summary>A joining host's records as the cluster's (pure but for the sealing).</summary>
/// <param name="mapping">What becomes of them.</param>
/// <param name="before">Under which the host has sealed its secrets.</param>
/// <param name="after">The cluster's.</param>
internal sealed class ImportedRecords(ImportMapping mapping, SecretBox before, SecretBox after)
{
    /// <summary>
    /// Read in this order: claims are made good first, and what others refer to comes before them. Not among them, and left behind: the host's own records (a member writes its own), tokens and sessions
    /// (made for one host, they shall not open a cluster), numbers of networks, answers to repeated requests, settings of the installation.
    /// </summary>
    public static IReadOnlyList<string> Prefixes { get; } =
    [
        Keys.Names.Prefix, Keys.Macs.Prefix, Keys.Addresses.Prefix,
        Keys.Projects.Prefix, Keys.Users.Prefix, Keys.Views.Prefix, Keys.Bindings.Prefix, Keys.Secrets.Prefix,
        Keys.Pools.Spec.Prefix, Keys.Networks.Spec.Prefix, Keys.FirewallGroups.Prefix,
        Keys.Images.Spec.Prefix, Keys.Isos.Spec.Prefix, Keys.Uploads.Prefix, Keys.Disks.Spec.Prefix, Keys.Snapshots.Spec.Prefix,
        Keys.Vms.Prefix, Keys.PlacementRules.Prefix,
        Keys.Operations.Request.Prefix, Keys.Events.Prefix, Keys.Audit.Prefix,
    ];

    /// <summary>Kinds whose objects may get another name, which stands in their record.</summary>
    private static readonly RecordKind[] Named = [Keys.Pools.Spec, Keys.Networks.Spec, Keys.Images.Spec, Keys.Isos.Spec, Keys.FirewallGroups, Keys.PlacementRules];

    private readonly (string From, string To)[] _networks = [.. mapping.Networks.Where(pair => pair.Value.Length > 0).Select(pair => (pair.Key, pair.Value))];

    /// <summary>Null: it does not come along.</summary>
    public StoreWrite.Put? Of(StoreItem item)
    {
        // The host itself, and what it was elected to.
        if (item.LeaseId != 0) return null;
        if (Keys.Names.IdOf(item.Key) is { } name) return OfName(name, item);
        if (Keys.Macs.IdOf(item.Key) is not null) return Put(item.Key, item.Value);
        if (Keys.Addresses.IdOf(item.Key) is { } address) return mapping.AddressId(address) is { } there ? Put(Keys.Addresses[there], item.Value) : null;
        if (Keys.Projects.IdOf(item.Key) is { } project) return mapping.Projects.Contains(project) ? Put(item.Key, item.Value) : null;
        if (Keys.Users.IdOf(item.Key) is { } user) return mapping.Users.Contains(user) ? Put(item.Key, item.Value) : null;
        if (Keys.Views.IdOf(item.Key) is { } viewer) return mapping.Users.Contains(viewer) ? Put(item.Key, item.Value) : null;
        if (Keys.Bindings.IdOf(item.Key) is not null) return ComesAlong(RecordJson.Read(item, Keys.Bindings)) ? Put(item.Key, item.Value) : null;
        if (Keys.Secrets.IdOf(item.Key) is { } secret) return Sealed(secret, RecordJson.Read(item, Keys.Secrets));
        if (item.Key.StartsWith(Keys.Networks.Spec.Prefix, StringComparison.Ordinal) && mapping.Networks.ContainsKey(item.Key.Split('/')[1])) return null;
        return Put(item.Key, Renamed(item.Key, item.Value));
    }

    private StoreWrite.Put? OfName(string id, StoreItem item)
    {
        var claim = new ImportedClaim(id, RecordJson.Read(item, Keys.Names).Owner);
        bool isHost = claim.Parts().Kind == "host";
        return !isHost && mapping.NameId(claim) is { } there ? Put(Keys.Names[there], item.Value) : null;
    }

    /// <summary>Rights in a project, of a user or in a project that comes along: what a host alone gave over everything would be rights over all hosts.</summary>
    private bool ComesAlong(RoleBinding binding) =>
        binding.Scope != Rights.EveryScope
        && binding.Subject.StartsWith(Subjects.UserPrefix, StringComparison.Ordinal)
        && (mapping.Projects.Contains(binding.Scope) || mapping.Users.Contains(binding.Subject[Subjects.UserPrefix.Length..]));

    private StoreWrite.Put Sealed(string id, SecretRecord secret) =>
        new(Keys.Secrets[id], RecordJson.Write(secret with { Sealed = after.Seal(id, before.Unseal(id, secret.Sealed)) }, Keys.Secrets.TypeInfo));

    /// <summary>Ids are unlike anything else and of one length: they are replaced wherever they stand.</summary>
    private StoreWrite.Put Put(string key, ReadOnlyMemory<byte> value)
    {
        foreach (var (from, to) in _networks)
        {
            byte[] wanted = Encoding.ASCII.GetBytes(from);
            if (value.Span.IndexOf(wanted) < 0) continue;
            value = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(value.Span).Replace(from, to, StringComparison.Ordinal));
        }

        return new StoreWrite.Put(key, value);
    }

    private ReadOnlyMemory<byte> Renamed(string key, ReadOnlyMemory<byte> value)
    {
        if (Named.FirstOrDefault(kind => kind.IdOf(key) is not null) is not { } kind) return value;
        bool isNetwork = kind == Keys.Networks.Spec;
        string? name = mapping.Names.GetValueOrDefault(kind.IdOf(key)!);
        if (name is null && !isNetwork) return value;
        var record = JsonNode.Parse(value.Span)!.AsObject();
        if (name is not null) record["name"] = name;
        // Numbers between hosts are the cluster's: it gives this network one.
        if (isNetwork) record.Remove("vni");
        return Encoding.UTF8.GetBytes(record.ToJsonString());
    }
}
