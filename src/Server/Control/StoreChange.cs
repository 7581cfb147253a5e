using Lamina.Api;
using Lamina.Linux;
using Lamina.Server.Store;

namespace Lamina.Server.Control;

/// <summary>
/// Builds one transaction of records and commits it: everything or nothing, with the first refusal named. Rooms add to a change of others by
/// extension methods (<c>change.AddEvent(…)</c>), so that an event or audit entry is written in the transaction of its change.
/// </summary>
/// <param name="label">Noun and verb, for example <c>vm.create</c>: names the crash points <c>commit.&lt;label&gt;.before</c> and <c>.after</c>.</param>
internal sealed class StoreChange(string label)
{
    /// <summary>No further attempt to settle an outcome begins after this, so that every answer comes within 5 s (decision 16).</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2.5);

    private readonly List<StoreCompare> _compares = [];
    private readonly List<StoreWrite> _writes = [];

    public string Label { get; } = label;

    /// <summary>Writes a record that must not exist yet.</summary>
    public StoreChange Create<T>(RecordKind<T> kind, string id, T record, long leaseId = 0)
        where T : StoredRecord
    {
        RequireAbsent(kind[id]);
        return Put(kind, id, record, leaseId);
    }

    /// <summary>Writes a record that must still be at <paramref name="expectedRevision"/>.</summary>
    public StoreChange Update<T>(RecordKind<T> kind, string id, T record, long expectedRevision)
        where T : StoredRecord
    {
        Require(kind[id], expectedRevision);
        return Put(kind, id, record);
    }

    /// <summary>Creates or replaces a record, whatever is there: only for a record whose one writer this code is.</summary>
    public StoreChange Put<T>(RecordKind<T> kind, string id, T record, long leaseId = 0)
        where T : StoredRecord
    {
        _writes.Add(new StoreWrite.Put(kind[id], RecordJson.Write(record, kind.TypeInfo), leaseId));
        return this;
    }

    /// <summary>Deletes a key that must still be at <paramref name="expectedRevision"/>.</summary>
    public StoreChange Delete(string key, long expectedRevision)
    {
        Require(key, expectedRevision);
        return Delete(key);
    }

    /// <summary>Deletes a key if it is there.</summary>
    public StoreChange Delete(string key)
    {
        _writes.Add(new StoreWrite.Delete(key));
        return this;
    }

    /// <summary>Deletes all keys with a prefix.</summary>
    public StoreChange DeletePrefix(string prefix)
    {
        _writes.Add(new StoreWrite.DeletePrefix(prefix));
        return this;
    }

    /// <summary>The key must still be at this revision.</summary>
    public StoreChange Require(string key, long revision)
    {
        _compares.Add(new StoreCompare.ModRevision(key, revision));
        return this;
    }

    public StoreChange RequireExists(string key)
    {
        _compares.Add(new StoreCompare.Exists(key));
        return this;
    }

    public StoreChange RequireAbsent(string key)
    {
        _compares.Add(new StoreCompare.Absent(key));
        return this;
    }

    /// <summary>The key must be the one created at this revision, whatever was written to it since (the leader's term).</summary>
    public StoreChange RequireCreated(string key, long createRevision)
    {
        _compares.Add(new StoreCompare.CreateRevision(key, createRevision));
        return this;
    }

    public StoreTransaction ToTransaction() => new()
    {
        Compares = [.. _compares],
        Writes = [.. _writes],
        ElseKeys = [.. _compares.Select(compare => compare.Key).Distinct(StringComparer.Ordinal)],
    };

    /// <summary>Commits, settles an unknown outcome, and answers within 5 s.</summary>
    /// <exception cref="StoreUnavailableException">Nothing was written.</exception>
    /// <exception cref="StoreOutcomeUnknownException">It may have been written: neither start, kill nor delete anything on its account.</exception>
    public async ValueTask<CommitResult> CommitAsync(IStore store, TimeProvider time, CancellationToken cancellationToken = default)
    {
        CrashPoints.Reached("commit", Label, "before");
        var transaction = ToTransaction();
        var result = await store.CommitSettledAsync(transaction, Patience, time, cancellationToken);
        CrashPoints.Reached("commit", Label, "after");
        return CommitResult.From(transaction, result);
    }
}
