namespace Lamina.Server.Store;

/// <summary>
/// Settles an unknown outcome by a competing write (decision 5): the same transaction is sent again until the store answers. The store
/// applies a nonce once, so the answer tells what became of the first attempt as well, which a read could not: a read may come
/// before an attempt that is still under way.
/// </summary>
internal static class StoreSettlement
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    /// <summary>Commits, and settles the outcome where it is unknown.</summary>
    /// <param name="store">Where to.</param>
    /// <param name="transaction">Sent unchanged each time.</param>
    /// <param name="patience">From the call on: no attempt begins later. The exception then goes to the caller, who must keep the transaction and settle later.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the settling; the outcome then stays unknown.</param>
    /// <exception cref="StoreUnavailableException">Nothing was written.</exception>
    /// <exception cref="StoreOutcomeUnknownException">Still unknown when patience or the token ran out.</exception>
    public static async ValueTask<StoreResult> CommitSettledAsync(
        this IStore store, StoreTransaction transaction, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken = default)
    {
        long began = time.GetTimestamp();
        try
        {
            return await store.CommitAsync(transaction, cancellationToken);
        }
        catch (StoreOutcomeUnknownException unknown)
        {
            return await SettleAsync(store, unknown, () => patience - time.GetElapsedTime(began), time, cancellationToken);
        }
    }

    private static async ValueTask<StoreResult> SettleAsync(
        IStore store, StoreOutcomeUnknownException unknown, Func<TimeSpan> left, TimeProvider time, CancellationToken cancellationToken)
    {
        var pause = FirstPause;
        while (true)
        {
            try
            {
                return await store.CommitAsync(unknown.Transaction, cancellationToken);
            }
            catch (Exception again) when (again is StoreOutcomeUnknownException or StoreUnavailableException)
            {
                // Unavailable speaks of this attempt only: the first one may still have been written.
                if (left() < pause) throw StillUnknown(unknown, again);
            }
            catch (OperationCanceledException cancelled)
            {
                throw StillUnknown(unknown, cancelled);
            }

            try
            {
                await Task.Delay(pause, time, cancellationToken);
            }
            catch (OperationCanceledException cancelled)
            {
                throw StillUnknown(unknown, cancelled);
            }

            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private static StoreOutcomeUnknownException StillUnknown(StoreOutcomeUnknownException first, Exception cause) =>
        new(first.Transaction, first.Message, cause);
}
