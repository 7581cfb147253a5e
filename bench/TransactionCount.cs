using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Lamina.Server.Vms.Plan;

namespace Lamina.Bench;

/// <summary>What one request cost the store.</summary>
/// <param name="Request">In words.</param>
/// <param name="Allowed">At most so many.</param>
/// <param name="Transactions">The keys that each transaction wrote, ids as <c>*</c>.</param>
/// <param name="Progress">How many more only told that the operation is under way.</param>
internal sealed record RequestCost(string Request, int Allowed, IReadOnlyList<string> Transactions, int Progress);

/// <summary>Counts the transactions by which requests are carried out, by following the store itself.</summary>
internal sealed class TransactionCount(IStore store, LaminaClient client)
{
    private const string Name = "counted";

    /// <summary>What hosts and pools tell of themselves, whatever is asked of them.</summary>
    private static readonly string[] Unasked = ["hosts/", "pools/"];

    /// <summary>What comes after the end of an operation without anybody waiting for it belongs to it as well.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(3);

    public async Task<IReadOnlyList<RequestCost>> CountAsync(string image)
    {
        var wish = new VmCreate { Name = Name, Image = image, MemoryMiB = LaminaGuest.DefaultMemoryMiB, Cpus = 1, Restart = RestartPolicy.Never, Start = true };
        var vms = client.Vms;
        return
        [
            await CountAsync("create and start", 4, async () => await vms.CreateAsync(wish, CancellationToken.None)),
            await CountAsync("pause", 2, async () => await vms.PauseAsync(Name, CancellationToken.None)),
            await CountAsync("resume", 2, async () => await vms.ResumeAsync(Name, CancellationToken.None)),
            await CountAsync("reset", 3, async () => await vms.ResetAsync(Name, CancellationToken.None)),
            await CountAsync("forced stop", 3, async () => await vms.StopAsync(Name, new VmStopRequest { Force = true }, CancellationToken.None)),
            await CountAsync("start", 3, async () => await vms.StartAsync(Name, CancellationToken.None)),
            await CountAsync("change notes and tags", 2, async () =>
            {
                await vms.UpdateAsync(Name, new VmUpdate { Notes = "counted", Tags = ["counted"] }, null, CancellationToken.None);
                return null;
            }),
            await CountAsync("second forced stop", 3, async () => await vms.StopAsync(Name, new VmStopRequest { Force = true }, CancellationToken.None)),
            await CountAsync("delete", 2, async () => await vms.DeleteAsync(Name, false, CancellationToken.None)),
        ];
    }

    private async Task<RequestCost> CountAsync(string request, int allowed, Func<Task<Operation?>> call)
    {
        using var end = new CancellationTokenSource();
        long from = await RevisionAsync();
        var following = FollowAsync(from, end.Token);
        if (await call() is { } operation)
        {
            operation = await client.Operations.WaitAsync(operation.Id, null, CancellationToken.None);
            if (operation.State is not { Phase: OperationPhase.Succeeded }) throw new InvalidOperationException($"{request}: {operation.State?.Failure?.Message}");
        }

        await Task.Delay(Aftermath, CancellationToken.None);
        await end.CancelAsync();
        var batches = await following;
        var counted = batches.Where(batch => !IsProgress(batch)).ToArray();
        return new RequestCost(request, allowed, [.. counted.Select(batch => string.Join(" ", batch.Select(change => Pattern(change.Key)).Distinct()))], batches.Count - counted.Length);
    }

    private async Task<long> RevisionAsync()
    {
        await foreach (var page in store.ListAsync(["leader"])) return page.Revision;
        throw new InvalidOperationException("A list has given no page.");
    }

    private async Task<IReadOnlyList<StoreEvent[]>> FollowAsync(long from, CancellationToken cancellationToken)
    {
        var transactions = new List<StoreEvent[]>();
        try
        {
            await foreach (var batch in store.WatchAsync([""], from, cancellationToken))
            {
                StoreEvent[] changes = [.. batch.Changes.Where(change => !Unasked.Any(prefix => change.Key.StartsWith(prefix, StringComparison.Ordinal)))];
                if (changes.Length > 0 && !changes.Any(IsOfTheGuest)) transactions.Add(changes);
            }
        }
        catch (OperationCanceledException)
        {
            // Enough was seen.
        }

        return transactions;
    }

    /// <summary>An operation that has begun, and nothing else: no step that must not happen twice is recorded by it.</summary>
    private static bool IsProgress(StoreEvent[] changes) => changes is [{ Item: { } item }] && Keys.Operations.State.IdOf(item.Key) is not null
        && RecordJson.Read(item, Keys.Operations.State) is { Phase: OperationPhase.Pending or OperationPhase.Running, Steps.Count: 0 };

    /// <summary>Firmware that is reset may reset itself once more, which nobody asked for.</summary>
    private static bool IsOfTheGuest(StoreEvent change) =>
        change.Item is { } item && Keys.Events.IdOf(item.Key) is not null && RecordJson.Read(item, Keys.Events).Kind == VmGuestState.GuestReset;

    private static string Pattern(string key) => string.Join('/', key.Split('/').Select((part, index) => index == 0 || !part.Any(char.IsAsciiDigit) ? part : "*"));
}
