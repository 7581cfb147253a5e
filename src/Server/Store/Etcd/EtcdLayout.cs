using System.Globalization;
using System.Text;
using Google.Protobuf;
using Lamina.Server.Store.Etcd.Protocol;

namespace Lamina.Server.Store.Etcd;

/// <summary>Where the store's keys lie in etcd: <c>lamina/k/&lt;key&gt;</c>, and the nonces of transactions beside them, <c>lamina/n/&lt;nonce&gt;</c>.</summary>
internal sealed class EtcdLayout(string prefix)
{
    private readonly string _keys = prefix + "k/";
    private readonly int _keysLength = Encoding.UTF8.GetByteCount(prefix) + 2;

    /// <summary>Everything that a transaction of this store writes, so that a watcher sees every revision.</summary>
    public (ByteString From, ByteString To) Everything { get; } = (ByteString.CopyFromUtf8(prefix), EndOf(ByteString.CopyFromUtf8(prefix)));

    public ByteString KeyOf(string key) => ByteString.CopyFromUtf8(_keys + key);

    public ByteString NonceOf(Guid nonce) => ByteString.CopyFromUtf8(string.Create(CultureInfo.InvariantCulture, $"{prefix}n/{nonce:n}"));

    public (ByteString From, ByteString To) RangeOf(string keyPrefix)
    {
        var from = KeyOf(keyPrefix);
        return (from, EndOf(from));
    }

    /// <summary>Null: the key is not one of the store's (a nonce).</summary>
    public string? StoreKeyOf(ByteString key) =>
        key.Length > _keysLength && key.Span[.._keysLength].SequenceEqual(Encoding.UTF8.GetBytes(_keys)) ? Encoding.UTF8.GetString(key.Span[_keysLength..]) : null;

    /// <summary>A key of the store's, as it was read.</summary>
    public StoreItem ItemOf(KeyValue pair) => new(
        Encoding.UTF8.GetString(pair.Key.Span[_keysLength..]), pair.Value.Memory, pair.CreateRevision, pair.ModRevision, pair.Lease);

    /// <summary>The key right after one.</summary>
    public static ByteString After(ByteString key) => ByteString.CopyFrom([.. key.Span, 0]);

    /// <summary>UTF-8 holds no byte 0xFF, so that the last one can always be raised.</summary>
    private static ByteString EndOf(ByteString from)
    {
        byte[] end = from.ToByteArray();
        end[^1]++;
        return ByteString.CopyFrom(end);
    }
}
