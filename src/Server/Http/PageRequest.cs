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
        where T : class => Cut(all, keyOf, entry => entry);

    /// <summary>Cuts the page out of what the entries are shown as, which is made for no more of them than the page needs.</summary>
    /// <param name="all">In any order.</param>
    /// <param name="keyOf">Unique and stable: name and id.</param>
    /// <param name="show">Null: this one is left out.</param>
    public Page<T> Cut<TEntry, T>(IEnumerable<TEntry> all, Func<TEntry, string> keyOf, Func<TEntry, T?> show)
        where T : class
    {
        var waiting = new PriorityQueue<TEntry, string>(
            all.Select(entry => (entry, keyOf(entry))).Where(pair => After is null || string.CompareOrdinal(pair.Item2, After) > 0), StringComparer.Ordinal);
        var items = new List<T>(Math.Min(Limit, waiting.Count));
        for (string last = ""; waiting.TryDequeue(out var entry, out string? key);)
        {
            if (show(entry) is not { } item) continue;
            if (items.Count == Limit) return new Page<T> { Items = items, Next = Encode(last) };
            items.Add(item);
            last = key;
        }

        return new Page<T> { Items = items };
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
