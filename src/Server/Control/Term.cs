namespace Lamina.Server.Control;

/// <summary>
/// The right of this daemon's controllers to decide while it leads (<see cref="Leadership"/>): they commit only while the leader key is the one
/// made for this term and the store is of the same generation (decisions 1 and 2).
/// </summary>
/// <param name="LeaderRevision">The create revision of the leader key.</param>
/// <param name="Generation">The store's.</param>
internal sealed record Term(long LeaderRevision, StoreGeneration Generation);

internal static class TermExtensions
{
    /// <summary>For controllers: the change is refused when this daemon's term has ended or the store has been restored meanwhile.</summary>
    public static StoreChange During(this StoreChange change, Term term) => change
        .RequireCreated(Keys.Leader[""], term.LeaderRevision)
        .OfGeneration(term.Generation);

    /// <summary>For hosts, which lead nothing: the change is refused when the store has been restored meanwhile.</summary>
    public static StoreChange OfGeneration(this StoreChange change, StoreGeneration generation) =>
        change.Require(Keys.Generation[""], generation.Revision);

    /// <exception cref="TermEndedException">The change was refused because its term is over: trying again helps nothing.</exception>
    public static CommitResult EnsureTerm(this CommitResult result) =>
        result.ConflictAt(Keys.Leader[""]) is null && result.ConflictAt(Keys.Generation[""]) is null ? result : throw new TermEndedException();
}

/// <summary>Another daemon leads, or the store was restored: this daemon's controllers decide nothing any more.</summary>
internal sealed class TermEndedException() : InvalidOperationException("The term of this daemon's controllers is over: another one leads, or the store was restored.");
