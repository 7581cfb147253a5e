using System.Text.Json.Serialization.Metadata;
using Lamina.Api;

namespace Lamina.Server.Control;

/// <summary>A family of keys: <c>prefix + id + suffix</c>.</summary>
/// <param name="prefix">See <see cref="Prefix"/>.</param>
/// <param name="suffix">See <see cref="Suffix"/>.</param>
/// <param name="within">See <see cref="Within"/>.</param>
internal abstract class RecordKind(string prefix, string suffix, string within = "")
{
    /// <summary>For example <c>vms/</c>; without the slash the kind is a single key, and its id is empty.</summary>
    public string Prefix { get; } = prefix;

    /// <summary>For example <c>/spec</c>; empty when the id ends the key.</summary>
    public string Suffix { get; } = suffix;

    /// <summary>For example <c>/hosts/</c>: stands in each id, between the two ids of which it consists; empty: an id is one.</summary>
    public string Within { get; } = within;

    /// <summary>How the records are read and written.</summary>
    public abstract JsonTypeInfo UntypedInfo { get; }

    /// <summary>The key of one record.</summary>
    public string this[string id] => string.Concat(Prefix, id, Suffix);

    /// <summary>The id in a key of this kind (empty where the kind is a single key); null when the key is of another kind.</summary>
    public string? IdOf(string key)
    {
        int least = Prefix.Length + Suffix.Length + (Prefix.EndsWith('/') ? 1 : 0);
        if (key.Length < least) return null;
        if (!Prefix.EndsWith('/') && key.Length != least) return null;
        if (!key.StartsWith(Prefix, StringComparison.Ordinal) || !key.EndsWith(Suffix, StringComparison.Ordinal)) return null;
        string id = key[Prefix.Length..^Suffix.Length];
        return Within.Length == 0 || id.Contains(Within, StringComparison.Ordinal) ? id : null;
    }

    /// <summary>Id of the object that a record of this kind belongs to: the first of the two of which its id consists, else the id itself.</summary>
    public string ObjectOf(string id) => Within.Length > 0 && id.IndexOf(Within, StringComparison.Ordinal) is >= 0 and var end ? id[..end] : id;

    public override string ToString() => $"{Prefix}<id>{Suffix}";

    /// <summary>Reads a value of this kind without knowing its type at compile time.</summary>
    internal abstract StoredRecord ReadRecord(string key, ReadOnlySpan<byte> json);

    /// <summary>Pairs the record with its id and revisions.</summary>
    internal abstract CachedRecord Wrap(string id, StoredRecord record, long modRevision, long createRevision);
}

/// <summary>A family of keys whose values are <typeparamref name="T"/>.</summary>
internal sealed class RecordKind<T>(string prefix, string suffix, JsonTypeInfo<T> typeInfo, string within = "") : RecordKind(prefix, suffix, within)
    where T : StoredRecord
{
    public JsonTypeInfo<T> TypeInfo { get; } = typeInfo;

    public override JsonTypeInfo UntypedInfo => TypeInfo;

    internal override StoredRecord ReadRecord(string key, ReadOnlySpan<byte> json) => RecordJson.Read(key, json, TypeInfo);

    internal override CachedRecord Wrap(string id, StoredRecord record, long modRevision, long createRevision) =>
        new CachedRecord<T>(id, (T)record, modRevision, createRevision);
}
