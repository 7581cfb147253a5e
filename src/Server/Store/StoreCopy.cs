using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Lamina.Linux;

namespace Lamina.Server.Store;

/// <summary>What a copy holds.</summary>
/// <param name="Keys">How many; keys of leases are not copied.</param>
/// <param name="Sha256">Of all keys and values in their order.</param>
internal sealed record StoreCopied(long Keys, string Sha256);

/// <summary>
/// Copies a store that nobody writes into an empty one (decision 19). A mark in the target says that the copy is not in use yet: one left half made is
/// wiped and made again, and a store without the mark is never touched. What hangs on a lease belongs to a daemon that lives, and stays behind.
/// </summary>
internal sealed class StoreCopy(IStore source, IStore target, TimeProvider time)
{
    /// <summary>There from the beginning of a copy to the first opening of the store that it has become.</summary>
    public const string MarkKey = "store/copy";

    private const int BatchBytes = 512 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <param name="progress">Told how many keys were copied so far.</param>
    /// <param name="cancellationToken">Ends it; what was copied is wiped by the next attempt.</param>
    /// <exception cref="StoreRefusedException">The target is in use; nothing was changed.</exception>
    /// <exception cref="InvalidDataException">What was written does not read back the same.</exception>
    public async Task<StoreCopied> RunAsync(Action<long>? progress, CancellationToken cancellationToken)
    {
        long mark = await MarkAsync(cancellationToken);
        CrashPoints.Reached("store", "copy", "before");
        await WipeAsync(mark, cancellationToken);
        await CopyAsync(mark, progress, cancellationToken);
        var (from, to) = (await DigestAsync(source, cancellationToken), await DigestAsync(target, cancellationToken));
        CrashPoints.Reached("store", "copy", "after");
        return from == to ? to : throw new InvalidDataException(
            $"The copy holds {to.Keys} keys (SHA-256 {to.Sha256}), the store {from.Keys} (SHA-256 {from.Sha256}): they must be the same.");
    }

    /// <summary>At each opening: the copy is in use from now on, and is never wiped again.</summary>
    public static async Task FinishAsync(IStore store, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await store.GetAsync(MarkKey, cancellationToken) is null) return;
        await store.CommitSettledAsync(new StoreTransaction { Writes = [new StoreWrite.Delete(MarkKey)] }, Patience, time, cancellationToken);
    }

    private async Task<long> MarkAsync(CancellationToken cancellationToken)
    {
        byte[] name = Encoding.UTF8.GetBytes(source.StoreId);
        if (await target.GetAsync(MarkKey, cancellationToken) is { } mark)
        {
            if (mark.Value.Span.SequenceEqual(name)) return mark.ModRevision;
            throw InUse($"holds an unfinished copy of the store {Encoding.UTF8.GetString(mark.Value.Span)}");
        }

        await foreach (var page in target.ListAsync([""], new StoreListOptions { Limit = 1 }, cancellationToken))
        {
            if (page.Items.Count > 0) throw InUse("is in use");
        }

        var create = new StoreTransaction { Compares = [new StoreCompare.Absent(MarkKey)], Writes = [new StoreWrite.Put(MarkKey, name)] };
        var created = await target.CommitSettledAsync(create, Patience, time, cancellationToken);
        return created.Succeeded ? created.Revision : throw InUse("is being filled by another host");
    }

    private async Task WipeAsync(long mark, CancellationToken cancellationToken)
    {
        await foreach (var page in target.ListAsync([""], null, cancellationToken))
        {
            var keys = page.Items.Select(item => item.Key).Where(key => key != MarkKey);
            foreach (string[] some in keys.Chunk(StoreLimits.Operations))
                await WriteAsync(mark, [.. some.Select(key => new StoreWrite.Delete(key))], cancellationToken);
        }
    }

    private async Task CopyAsync(long mark, Action<long>? progress, CancellationToken cancellationToken)
    {
        var batch = new List<StoreWrite>();
        long bytes = 0, copied = 0;
        await foreach (var page in source.ListAsync([""], null, cancellationToken))
        {
            foreach (var item in page.Items.Where(IsCopied))
            {
                batch.Add(new StoreWrite.Put(item.Key, item.Value));
                bytes += item.Value.Length;
                if (batch.Count == StoreLimits.Operations || bytes >= BatchBytes) await FlushAsync();
            }
        }

        if (batch.Count > 0) await FlushAsync();

        async Task FlushAsync()
        {
            await WriteAsync(mark, [.. batch], cancellationToken);
            progress?.Invoke(copied += batch.Count);
            batch.Clear();
            bytes = 0;
        }
    }

    /// <summary>Only while the mark is the one found: of two that fill one target, the later one stops.</summary>
    private async Task WriteAsync(long mark, IReadOnlyList<StoreWrite> writes, CancellationToken cancellationToken)
    {
        var transaction = new StoreTransaction { Compares = [new StoreCompare.ModRevision(MarkKey, mark)], Writes = writes };
        var written = await target.CommitSettledAsync(transaction, Patience, time, cancellationToken);
        if (!written.Succeeded) throw InUse("is being filled by another host");
    }

    private static bool IsCopied(StoreItem item) => item.LeaseId == 0 && item.Key != MarkKey;

    private static async Task<StoreCopied> DigestAsync(IStore store, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long keys = 0;
        await foreach (var page in store.ListAsync([""], null, cancellationToken))
        {
            foreach (var item in page.Items.Where(IsCopied))
            {
                keys++;
                Append(hash, Encoding.UTF8.GetBytes(item.Key));
                Append(hash, item.Value.Span);
            }
        }

        return new StoreCopied(keys, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    /// <summary>With its length, so that no two lists have the same bytes.</summary>
    private static void Append(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }

    private StoreRefusedException InUse(string how) => new(
        StoreRefusal.InUse,
        $"The etcd {target.StoreId} {how}.",
        "Join that cluster instead, or name an etcd that holds no Lamina store.");
}
