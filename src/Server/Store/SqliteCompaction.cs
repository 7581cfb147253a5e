namespace Lamina.Server.Store;

/// <summary>
/// Forgets old revisions, a little after each group of writes, so that neither a pause is felt nor an idle store writes. The newest
/// <see cref="SqliteStoreOptions.KeepRevisions"/> stay, and those younger than <see cref="SqliteStoreOptions.KeepAge"/>.
/// </summary>
internal sealed class SqliteCompaction(SqliteStoreOptions options, TimeProvider time)
{
    private const int RevisionsPerStep = 512;

    /// <summary>Begins when a whole step is due, so that writes and compaction keep pace.</summary>
    public void Step(SqliteTables tables, RevisionLog log)
    {
        long target = Math.Min(log.Compacted + RevisionsPerStep, log.Revision - options.KeepRevisions);
        if (target - log.Compacted < Math.Min(RevisionsPerStep, Math.Max(1, options.KeepRevisions / 4))) return;
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
