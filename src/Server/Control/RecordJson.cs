using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;
using Lamina.Server.Store;

namespace Lamina.Server.Control;

/// <summary>Records ⇄ bytes in the store. Members that this version does not know come back in <see cref="StoredRecord.Unknown"/> and are written again.</summary>
internal static class RecordJson
{
    public static byte[] Write<T>(T record, JsonTypeInfo<T> typeInfo)
        where T : StoredRecord => JsonSerializer.SerializeToUtf8Bytes(record, typeInfo);

    /// <exception cref="InvalidDataException">The value is no such record; the message names the key.</exception>
    public static T Read<T>(string key, ReadOnlySpan<byte> json, JsonTypeInfo<T> typeInfo)
        where T : StoredRecord
    {
        try
        {
            return JsonSerializer.Deserialize(json, typeInfo) ?? throw new InvalidDataException($"The record '{key}' is null.");
        }
        catch (JsonException problem)
        {
            throw new InvalidDataException($"The record '{key}' cannot be read: {problem.Message}", problem);
        }
    }

    public static T Read<T>(StoreItem item, RecordKind<T> kind)
        where T : StoredRecord => Read(item.Key, item.Value.Span, kind.TypeInfo);
}
