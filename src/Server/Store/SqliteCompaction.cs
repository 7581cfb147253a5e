namespace Lamina.Server.Store;

/// <summary>
/// Forgets old revisions, a little after each group of writes, so that neither a pause is felt nor an idle store writes. The newest
/// <see cref="SqliteStoreOptions.KeepRevisions"/> stay, and those younger than <see cref="SqliteStoreOptions.KeepAge"/>.
/// </summary>
internal sealed class SqliteCompaction(SqliteStoreOptions options, TimeProvider time)
{
    /// <summary>More than a group of writes adds, so that compaction keeps pace.</summary>
    public const int RevisionsPerStep = 256;

    public void Step(SqliteTables tables, RevisionLog log)
    {
        long target = log.Compacted + RevisionsPerStep;
        if (target > log.Revision - options.KeepRevisions) return;
        long youngest = time.GetUtcNow().ToUnixTimeMilliseconds() - (long)options.KeepAge.TotalMilliseconds;
        long committed = SqliteConnections.Scalar(tables.Connection, $"SELECT committed_ms FROM commits WHERE revision = {target}");
        if (committed > youngest) return;
        SqliteConnections.Execute(tables.Connection, $"""
            BEGIN IMMEDIATE;
            DELETE FROM history WHERE revision <= {target};
            DELETE FROM commits WHERE revision <= {target};
            COMMIT;
            """);
        log.SetCompacted(target);
    }
}
