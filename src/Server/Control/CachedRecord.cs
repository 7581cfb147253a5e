using Lamina.Api;

namespace Lamina.Server.Control;

/// <summary>A record with its id and revisions, its type known at run time only.</summary>
internal abstract record CachedRecord(string Id, long ModRevision, long CreateRevision)
{
    public abstract StoredRecord Value { get; }
}

/// <summary>A record with its id and revisions. <c>ModRevision</c> is what an update must expect (and an ETag shows).</summary>
internal sealed record CachedRecord<T>(string Id, T Record, long ModRevision, long CreateRevision)
    : CachedRecord(Id, ModRevision, CreateRevision)
    where T : StoredRecord
{
    public override StoredRecord Value => Record;
}
