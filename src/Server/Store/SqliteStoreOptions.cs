namespace Lamina.Server.Store;

/// <summary>How much history a <see cref="SqliteStore"/> keeps for watchers and for settling outcomes.</summary>
internal sealed record SqliteStoreOptions
{
    /// <summary>The newest revisions are always kept.</summary>
    public int KeepRevisions { get; init; } = 10_000;

    /// <summary>Revisions younger than this are kept too, however many.</summary>
    public TimeSpan KeepAge { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// How long a caller waits for a transaction under way before its outcome is called unknown. Twice this, for the attempt that settles it,
    /// stays below the 5 s within which a write is answered (decision 16).
    /// </summary>
    public TimeSpan CommitTimeout { get; init; } = TimeSpan.FromSeconds(2);
}
