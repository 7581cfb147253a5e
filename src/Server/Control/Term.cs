using Lamina.Server.Store;

namespace Lamina.Server.Control;

/// <summary>
/// The right of this daemon's controllers to decide, from its start to its end: they commit only while the leader key is the one made for
/// this term and the store is of the same generation (decisions 1 and 2). On one host the leader is always this host.
/// </summary>
/// <param name="LeaderRevision">The create revision of the leader key.</param>
/// <param name="GenerationRevision">The revision of <c>store/generation</c>.</param>
internal sealed record Term(long LeaderRevision, long GenerationRevision)
{
    /// <summary>Ends the term of this host's former daemon and begins a new one. A new store gets its first generation.</summary>
    /// <exception cref="StoreUnavailableException">The store cannot be written now.</exception>
    public static async Task<Term> BeginAsync(
        IStore store, TimeProvider time, string host, string incarnation, CancellationToken cancellationToken = default)
    {
        long generation = await EnsureGenerationAsync(store, time, cancellationToken);
        // Made anew, not replaced: a late commit of the former daemon must not pass for one of this.
        await new StoreChange("term.end").Delete(Keys.Leader[""]).CommitAsync(store, time, cancellationToken);
        var begun = await new StoreChange("term.begin")
            .Create(Keys.Leader, "", new LeaderRecord { Host = host, Incarnation = incarnation })
            .CommitAsync(store, time, cancellationToken);
        if (!begun.Succeeded) throw new InvalidOperationException("Another daemon has taken the lead at the same moment.");
        return new Term(begun.Revision, generation);
    }

    private static async Task<long> EnsureGenerationAsync(IStore store, TimeProvider time, CancellationToken cancellationToken)
    {
        var created = await new StoreChange("store.generation")
            .Create(Keys.Generation, "", new GenerationRecord { Number = 1 })
            .CommitAsync(store, time, cancellationToken);
        return created.Succeeded ? created.Revision : created.Conflicts[0].Current!.ModRevision;
    }
}

internal static class TermExtensions
{
    /// <summary>For controllers: the change is refused when this daemon's term has ended or the store has been restored meanwhile.</summary>
    public static StoreChange During(this StoreChange change, Term term) => change
        .RequireCreated(Keys.Leader[""], term.LeaderRevision)
        .OfGeneration(term);

    /// <summary>For hosts, which lead nothing: the change is refused when the store has been restored meanwhile.</summary>
    public static StoreChange OfGeneration(this StoreChange change, Term term) => change.Require(Keys.Generation[""], term.GenerationRevision);

    /// <exception cref="TermEndedException">The change was refused because its term is over: trying again helps nothing.</exception>
    public static CommitResult EnsureTerm(this CommitResult result) =>
        result.ConflictAt(Keys.Leader[""]) is null && result.ConflictAt(Keys.Generation[""]) is null ? result : throw new TermEndedException();
}

/// <summary>Another daemon leads, or the store was restored: this daemon's controllers decide nothing any more.</summary>
internal sealed class TermEndedException() : InvalidOperationException("The term of this daemon's controllers is over: another one leads, or the store was restored.");
