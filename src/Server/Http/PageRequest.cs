using System.Buffers.Text;
using System.Text;
using Lamina.Api;

namespace Lamina.Server.Http;

/// <summary>Which part of a list is wanted. The cursor is opaque to clients: the sort key of the last entry seen.</summary>
internal sealed record PageRequest(int Limit, string? After)
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1000;

    /// <exception cref="Lamina.Api.Input.InputException">The limit is out of bounds or the cursor is none of ours.</exception>
    public static PageRequest Of(ApiRequest request)
    {
        int limit = request.QueryNumber("limit", 1, MaxLimit) ?? DefaultLimit;
        if (request.Query("cursor") is not { } cursor) return new PageRequest(limit, null);
        return new PageRequest(limit, Decode(cursor) ?? throw ApiRequest.BadQuery("cursor", "Use 'next' of the page before as it is."));
    }

    /// <summary>Cuts the page out of all entries.</summary>
    /// <param name="all">In any order.</param>
    /// <param name="keyOf">Unique and stable: name and id.</param>
    public Page<T> Cut<T>(IEnumerable<T> all, Func<T, string> keyOf)
    {
        var rest = all.Select(entry => (Key: keyOf(entry), Entry: entry))
            .Where(pair => After is null || string.CompareOrdinal(pair.Key, After) > 0)
            .OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Take(Limit + 1)
            .ToArray();
        return rest.Length <= Limit
            ? new Page<T> { Items = [.. rest.Select(pair => pair.Entry)] }
            : new Page<T> { Items = [.. rest.Take(Limit).Select(pair => pair.Entry)], Next = Encode(rest[Limit - 1].Key) };
    }

    public static string Encode(string key) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(key));

    /// <summary>Null: this is no cursor.</summary>
    public static string? Decode(string cursor)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Base64Url.DecodeFromChars(cursor));
        }
        catch (Exception problem) when (problem is FormatException or ArgumentException)
        {
            return null;
        }
    }
}
