using Lamina.Api.Client;

namespace Lamina.Testing.Bed;

/// <summary>Waiting for a state of a whole cluster, which no single event tells; with a deadline.</summary>
internal static class Eventually
{
    /// <summary>How long most waits last at most.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Asks again until it is so. A host that does not answer just now is asked again, too.</summary>
    /// <param name="isSo">Asks.</param>
    /// <param name="what">In words, for the failure.</param>
    /// <param name="patience">Null: <see cref="Patience"/>.</param>
    public static Task BecomesAsync(Func<CancellationToken, Task<bool>> isSo, string what, TimeSpan? patience = null) => BecomesAsync(isSo, () => what, patience);

    /// <summary>As above, with words that tell what was seen last.</summary>
    public static async Task BecomesAsync(Func<CancellationToken, Task<bool>> isSo, Func<string> what, TimeSpan? patience = null)
    {
        using var deadline = new CancellationTokenSource(patience ?? Patience);
        Exception? last = null;
        while (!deadline.IsCancellationRequested)
        {
            try
            {
                if (await isSo(deadline.Token)) return;
            }
            catch (Exception failure) when (failure is LaminaException or LaminaUnreachableException or OperationCanceledException)
            {
                last = failure;
            }

            await Task.Delay(Pause, CancellationToken.None);
        }

        throw new TimeoutException($"not within {(patience ?? Patience).TotalSeconds} s: {what()}", last);
    }
}
