using System.Globalization;

namespace Lamina.Api.Client;

/// <summary>
/// Remembers the newest revision that this client's writes were answered with, so that what it asks next waits for it. Revisions are
/// <c>storeId-n</c>; another store's revision replaces the old one, since the two cannot be compared.
/// </summary>
internal sealed class RevisionMemory
{
    public const string AnswerHeader = "Lamina-Revision";
    public const string WaitHeader = "Lamina-Min-Revision";

    /// <summary>The store was restored from a backup since.</summary>
    public const string OtherStoreCode = "revision.otherStore";

    private readonly Lock _gate = new();
    private string? _newest;

    public string? Newest
    {
        get
        {
            lock (_gate) return _newest;
        }
    }

    public void Note(string revision)
    {
        lock (_gate)
        {
            if (_newest is null || !IsOlder(revision, _newest)) _newest = revision;
        }
    }

    public void Forget()
    {
        lock (_gate) _newest = null;
    }

    /// <summary>True only when both are of one store and the first is the smaller.</summary>
    internal static bool IsOlder(string revision, string than) =>
        Split(revision) is var (store, number) && Split(than) is var (otherStore, otherNumber) && store == otherStore && number < otherNumber;

    private static (string Store, long Number)? Split(string revision)
    {
        int dash = revision.LastIndexOf('-');
        return dash > 0 && long.TryParse(revision.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? (revision[..dash], number)
            : null;
    }
}
