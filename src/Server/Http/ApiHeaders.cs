namespace Lamina.Server.Http;

/// <summary>Headers of our own.</summary>
internal static class ApiHeaders
{
    /// <summary>On answers: the revision written, or the one that was read.</summary>
    public const string Revision = "Lamina-Revision";

    /// <summary>On requests: answer from a state that holds at least this revision.</summary>
    public const string MinRevision = "Lamina-Min-Revision";

    /// <summary>On answers: the store is away and this may be old (decision 16).</summary>
    public const string Stale = "Lamina-Stale";
}
