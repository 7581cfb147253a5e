using Lamina.Server.Store;

namespace Lamina.Server.Control;

/// <summary>
/// Whose controllers decide: of all daemons of a store the one that made the key <c>leader</c>, which hangs on a lease. Controllers run only while this
/// daemon leads, each time made anew with the <see cref="Term"/>, whose create revision their commits compare: one that has not yet noticed
/// the end of its term can write nothing. A leader that dies is replaced when its lease ends, one that stops resigns first. On one host
/// nobody else wants the lead, and it is taken at once.
/// </summary>
/// <param name="store">Where the key is.</param>
/// <param name="cache">Mirrors <see cref="Keys.Leader"/> and <see cref="Keys.Generation"/>.</param>
/// <param name="generation">As found at the start; in another one this daemon leads nothing until it was started anew.</param>
/// <param name="self">What the key is to say. Its host's presence is claimed before, so that no other live daemon bears its id.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told of beginnings and ends.</param>
internal sealed partial class Leadership(
    IStore store, Cache cache, StoreGeneration generation, LeaderRecord self, TimeProvider time, ILogger<Leadership> logger)
{
    /// <summary>How long a dead leader is still taken for one.</summary>
    public static readonly TimeSpan TimeToLive = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly List<(string Name, Func<Term, CancellationToken, Task> Run)> _controllers = [];
    private Term? _term;

    /// <summary>What hosts compare in their commits, whoever leads.</summary>
    public StoreGeneration Generation => generation;

    /// <summary>The term under way; null: another daemon leads, or none.</summary>
    public Term? Term => Volatile.Read(ref _term);

    /// <summary>Before <see cref="RunAsync"/>. The work must run until cancelled, and is begun anew in each term.</summary>
    public void Add(string name, Func<Term, CancellationToken, Task> run) => _controllers.Add((name, run));

    /// <summary>Leads whenever it can, until cancelled; then resigns.</summary>
    /// <exception cref="TermEndedException">The store was restored to another generation: the daemon is to be started anew.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true) await LeadAsync(await CampaignAsync(cancellationToken), cancellationToken);
    }

    private async Task<Mandate> CampaignAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await WaitForVacancyAsync(cancellationToken);
                if (await TryTakeAsync(cancellationToken) is { } mandate) return mandate;
            }
            catch (Exception failure) when (failure is IOException or StoreLeaseGoneException)
            {
                LogNoElection(logger, failure.Message);
                await Task.Delay(RetryPause, time, cancellationToken);
            }
        }
    }

    private async Task WaitForVacancyAsync(CancellationToken cancellationToken)
    {
        // The present state, not the cache's: what a former daemon left must be seen.
        if (await store.GetAsync(Keys.Leader[""], cancellationToken) is not { } held || IsVacant(held)) return;
        using var subscription = cache.Subscribe(Keys.Leader);
        if (IsVacant(subscription.Start, held.ModRevision)) return;
        await foreach (var batch in subscription.ReadAllAsync(cancellationToken))
        {
            if (IsVacant(batch.Snapshot, held.ModRevision)) return;
        }
    }

    /// <summary>A key of this very host is that of its former daemon; one without a lease was made by a version that had no elections.</summary>
    private bool IsVacant(StoreItem item) => item.LeaseId == 0 || RecordJson.Read(item, Keys.Leader).Host == self.Host;

    private static bool IsVacant(CacheSnapshot snapshot, long seen) => snapshot.Revision >= seen && snapshot.Get(Keys.Leader, "") is null;

    /// <summary>Null: somebody else was faster.</summary>
    private async Task<Mandate?> TryTakeAsync(CancellationToken cancellationToken)
    {
        var lease = await HeldLease.GrantAsync(store, TimeToLive, time, cancellationToken);
        Term? term = null;
        try
        {
            term = await TakeAsync(lease.Id, cancellationToken);
            return term is null ? null : new Mandate(term, lease);
        }
        finally
        {
            // Also when the outcome is not known: with its lease the key goes, if it was written.
            if (term is null) await lease.TryReleaseAsync();
        }
    }

    private async Task<Term?> TakeAsync(long lease, CancellationToken cancellationToken)
    {
        if (await store.GetAsync(Keys.Leader[""], cancellationToken) is { } held)
        {
            // Made anew, not replaced: a late commit of the former daemon must not pass for one of this.
            if (!IsVacant(held)) return null;
            await new StoreChange("term.end").Delete(Keys.Leader[""], held.ModRevision).CommitAsync(store, time, cancellationToken);
        }

        var begun = await new StoreChange("term.begin")
            .OfGeneration(generation)
            .Create(Keys.Leader, "", self, lease)
            .CommitAsync(store, time, cancellationToken);
        if (begun.Succeeded) return new Term(begun.Revision, generation);
        return begun.ConflictAt(Keys.Generation[""]) is null ? null : throw new TermEndedException();
    }

    private async Task LeadAsync(Mandate mandate, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        LogBegun(logger, mandate.Term.LeaderRevision);
        Volatile.Write(ref _term, mandate.Term);
        Task[] parts =
        [
            mandate.Lease.KeepAsync(ending.Token),
            FollowAsync(mandate.Term, ending.Token),
            .. _controllers.Select(controller => ControlAsync(controller.Name, controller.Run, mandate.Term, ending.Token)),
        ];
        await Task.WhenAny(parts);
        Volatile.Write(ref _term, null);
        await ending.CancelAsync();
        var ended = Task.WhenAll(parts);
        await ended.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await mandate.Lease.TryReleaseAsync();
        LogEnded(logger, mandate.Term.LeaderRevision);
        cancellationToken.ThrowIfCancellationRequested();
        if (ended.IsFaulted) await ended;
    }

    /// <summary>Ends when the key is no longer that of the term.</summary>
    private async Task FollowAsync(Term term, CancellationToken cancellationToken)
    {
        using var subscription = cache.Subscribe(Keys.Leader, Keys.Generation);
        if (IsOver(subscription.Start, term)) return;
        await foreach (var batch in subscription.ReadAllAsync(cancellationToken))
        {
            if (IsOver(batch.Snapshot, term)) return;
        }
    }

    private static bool IsOver(CacheSnapshot snapshot, Term term)
    {
        if (snapshot.Revision < term.LeaderRevision) return false;
        if (snapshot.Get(Keys.Generation, "")?.ModRevision != term.Generation.Revision) throw new TermEndedException();
        return snapshot.Get(Keys.Leader, "")?.CreateRevision != term.LeaderRevision;
    }

    private static async Task ControlAsync(string name, Func<Term, CancellationToken, Task> run, Term term, CancellationToken cancellationToken)
    {
        try
        {
            await run(term, cancellationToken);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // Stopped as asked; the next term looks at everything anew.
            return;
        }

        if (!cancellationToken.IsCancellationRequested) throw new InvalidOperationException($"The controller '{name}' ended by itself.");
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "This daemon leads: its controllers decide (term {Term})")]
    private static partial void LogBegun(ILogger logger, long term);

    [LoggerMessage(Level = LogLevel.Information, Message = "This daemon no longer leads (term {Term})")]
    private static partial void LogEnded(ILogger logger, long term);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Who leads cannot be settled now and is tried again: {Reason}")]
    private static partial void LogNoElection(ILogger logger, string reason);

    /// <summary>A term, and the lease that it hangs on.</summary>
    private sealed record Mandate(Term Term, HeldLease Lease);
}
