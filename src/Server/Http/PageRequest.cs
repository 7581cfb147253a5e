using System.Buffers.Text;
using System.Text;
using Lamina.Api;

namespace Lamina.Server.Http;

/// <summary>Which part of a list is wanted. The cursor is opaque to clients: the sort key of the last entry seen.</summary>
internal sealed record PageRequest(int Limit, string? After)
{
    public const int DefaultLimit = 100;
    public const int MaxLimit = 1000;

    /// <summary>Where entries are left out, so many times more are looked at.</summary>
    private const int Growth = 4;
    private static readonly Comparer<string> Descending = Comparer<string>.Create((left, right) => string.CompareOrdinal(right, left));

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
    /// <param name="all">In any order; read again where many are left out.</param>
    /// <param name="keyOf">Unique and stable: name and id.</param>
    /// <param name="show">Null: this one is left out.</param>
    public Page<T> Cut<TEntry, T>(IEnumerable<TEntry> all, Func<TEntry, string> keyOf, Func<TEntry, T?> show)
        where T : class
    {
        var items = new List<T>();
        string? last = After;
        // One more than wanted tells that there is more.
        for (int count = Limit + 1; ; count *= Growth)
        {
            var next = First(count, all.Select(entry => (entry, keyOf(entry))).Where(pair => last is null || string.CompareOrdinal(pair.Item2, last) > 0));
            foreach (var (entry, key) in next)
            {
                if (show(entry) is { } item)
                {
                    if (items.Count == Limit) return new Page<T> { Items = items, Next = Encode(last!) };
                    items.Add(item);
                }

                last = key;
            }

            if (next.Length < count) return new Page<T> { Items = items };
        }
    }

    /// <summary>The first of them in order. To sort all for one page would take large arrays, again for each request.</summary>
    private static (TEntry Entry, string Key)[] First<TEntry>(int count, IEnumerable<(TEntry Entry, string Key)> all)
    {
        var last = new PriorityQueue<TEntry, string>(Descending);
        foreach (var (entry, key) in all)
        {
            if (last.Count < count) last.Enqueue(entry, key);
            else last.EnqueueDequeue(entry, key);
        }

        var first = new (TEntry, string)[last.Count];
        while (last.TryDequeue(out var entry, out string? key)) first[last.Count] = (entry, key);
        return first;
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
