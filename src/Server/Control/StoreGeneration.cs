using Lamina.Server.Store;

namespace Lamina.Server.Control;

/// <summary>
/// The store's generation as this daemon found it at its start. A restore of an older state makes another one; what stands on the former is then
/// refused (decisions 2 and 19). Hosts compare it in their commits, controllers with their <see cref="Term"/>.
/// </summary>
/// <param name="Number">From 1.</param>
/// <param name="Revision">The revision of <c>store/generation</c>.</param>
internal sealed record StoreGeneration(long Number, long Revision)
{
    /// <summary>Reads the generation; a new store gets its first.</summary>
    /// <exception cref="StoreUnavailableException">The store cannot be written now.</exception>
    public static async Task<StoreGeneration> EnsureAsync(IStore store, TimeProvider time, CancellationToken cancellationToken = default)
    {
        if (await store.GetAsync(Keys.Generation[""], cancellationToken) is { } known) return Of(known);
        var first = new GenerationRecord { Number = 1 };
        var created = await new StoreChange("store.generation").Create(Keys.Generation, "", first).CommitAsync(store, time, cancellationToken);
        return created.Succeeded ? new StoreGeneration(first.Number, created.Revision) : Of(created.Conflicts[0].Current!);
    }

    private static StoreGeneration Of(StoreItem item) => new(RecordJson.Read(item, Keys.Generation).Number, item.ModRevision);
}
