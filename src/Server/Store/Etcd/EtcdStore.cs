using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Grpc.Core;
using Lamina.Server.Store.Etcd.Protocol;

namespace Lamina.Server.Store.Etcd;

/// <summary>
/// The store of a cluster, in etcd 3.4 or newer. Any member is asked; one that does not answer is left for the next. Revisions are etcd's own.
/// </summary>
internal sealed class EtcdStore : IStore
{
    /// <summary>Raised by a restore; a part of the store's id. Also known as <c>Keys.Generation</c>.</summary>
    private const string GenerationKey = "store/generation";

    private readonly EtcdEndpoints _endpoints;
    private readonly EtcdCalls _calls;
    private readonly EtcdLayout _layout;
    private readonly EtcdReads _reads;
    private readonly EtcdCommits _commits;
    private readonly CancellationTokenSource _closing = new();
    private int _closed;

    /// <summary>The revision of the generation; 0: there is none yet. Compared by every write: an etcd with another state may have taken this one's place at the same address.</summary>
    private long _generation;

    private EtcdStore(EtcdEndpoints endpoints, EtcdCalls calls, EtcdLayout layout, EtcdReads reads, string storeId, long generation, TimeProvider time)
    {
        _generation = generation;
        _endpoints = endpoints;
        _calls = calls;
        _layout = layout;
        _reads = reads;
        _commits = new EtcdCommits(calls, layout, time);
        StoreId = storeId;
    }

    /// <summary>Id of the etcd cluster and the store's generation: <c>cdf818194e3a8c32.1</c>.</summary>
    public string StoreId { get; }

    /// <summary>Connects and reads which store it is.</summary>
    /// <exception cref="StoreUnavailableException">No member answers, or etcd has no majority.</exception>
    /// <exception cref="StoreRefusedException">The certificates cannot be read.</exception>
    public static async Task<EtcdStore> OpenAsync(EtcdAccess access, TimeProvider time, CancellationToken cancellationToken = default)
    {
        var endpoints = new EtcdEndpoints(access);
        try
        {
            var calls = new EtcdCalls(endpoints, time);
            var layout = new EtcdLayout(access.Prefix);
            var request = new RangeRequest { Key = layout.KeyOf(GenerationKey) };
            var found = await calls.AskAsync((etcd, options) => etcd.Kv.RangeAsync(request, options).ResponseAsync, cancellationToken);
            long generation = found.Kvs.Count == 0 ? 1 : GenerationOf(found.Kvs[0]);
            var reads = new EtcdReads(calls, layout, found.Header.ClusterId);
            reads.Saw(found.Header.Revision);
            string storeId = string.Create(CultureInfo.InvariantCulture, $"{found.Header.ClusterId:x}.{generation}");
            return new EtcdStore(endpoints, calls, layout, reads, storeId, found.Kvs.Count == 0 ? 0 : found.Kvs[0].ModRevision, time);
        }
        catch
        {
            endpoints.Dispose();
            throw;
        }
    }

    /// <summary>Other members to ask, or renewed certificates; what is under way ends as it began.</summary>
    /// <exception cref="StoreRefusedException">The certificates cannot be read; nothing was changed.</exception>
    public void Use(EtcdAccess access) => _endpoints.Use(access);

    public async ValueTask<StoreResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken = default)
    {
        StoreLimits.Check(transaction);
        cancellationToken.ThrowIfCancellationRequested();
        var writes = transaction.Writes.Where(Concerns).ToArray();
        bool isOwn = writes.Length > 0 || transaction.Compares.Any(compare => compare.Key == GenerationKey);
        long generation = Volatile.Read(ref _generation);
        var result = await _commits.CommitAsync(transaction, isOwn || generation == 0 ? null : new EtcdGuard(GenerationKey, generation));
        if (result.Succeeded && writes.Length > 0) Volatile.Write(ref _generation, writes[^1] is StoreWrite.Put ? result.Revision : 0);
        _reads.Saw(result.Revision);
        return result;
    }

    public async ValueTask<StoreItem?> GetAsync(string key, CancellationToken cancellationToken = default)
    {
        StoreLimits.CheckKey(key);
        var found = await _reads.GetAsync(key, cancellationToken);
        if (key == GenerationKey && found is not null) Interlocked.CompareExchange(ref _generation, found.ModRevision, 0);
        return found;
    }

    public IAsyncEnumerable<StorePage> ListAsync(
        IReadOnlyList<string> prefixes, StoreListOptions? options = null, CancellationToken cancellationToken = default)
    {
        StoreLimits.CheckList(prefixes, options);
        return _reads.ListAsync(prefixes, options ?? new StoreListOptions(), cancellationToken);
    }

    public async IAsyncEnumerable<StoreBatch> WatchAsync(
        IReadOnlyList<string> prefixes, long afterRevision, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
        using var watch = new EtcdWatch(_calls, _reads, _layout, afterRevision);
        while (true)
        {
            ending.Token.ThrowIfCancellationRequested();
            var found = await watch.NextAsync(ending.Token);
            for (int index = 0; index < found.Count; index++)
            {
                StoreEvent[] changes = [.. found[index].Changes.Where(change => IsUnder(prefixes, change.Key))];
                if (changes.Length > 0 || index == found.Count - 1) yield return new StoreBatch(found[index].Revision, changes);
            }
        }
    }

    public async ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        var request = new LeaseGrantRequest { TTL = (long)Math.Ceiling(timeToLive.TotalSeconds) };
        return (await _calls.AskAsync((etcd, options) => etcd.Lease.LeaseGrantAsync(request, options).ResponseAsync, cancellationToken)).ID;
    }

    public async ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken = default)
    {
        var answer = await _calls.AskAsync(
            async (etcd, options) =>
            {
                using var stream = etcd.Lease.LeaseKeepAlive(options);
                await stream.RequestStream.SayAsync(new LeaseKeepAliveRequest { ID = leaseId }, cancellationToken);
                if (!await stream.ResponseStream.MoveNext(cancellationToken)) throw new RpcException(new Status(StatusCode.Unavailable, "the stream has ended"));
                return stream.ResponseStream.Current;
            },
            cancellationToken);
        return answer.TTL > 0;
    }

    public async ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken = default)
    {
        var request = new LeaseRevokeRequest { ID = leaseId };
        try
        {
            await _calls.AskAsync((etcd, options) => etcd.Lease.LeaseRevokeAsync(request, options).ResponseAsync, cancellationToken);
        }
        catch (RpcException gone) when (EtcdFailures.KindOf(gone) is EtcdFailureKind.LeaseGone)
        {
            // As wanted.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        await _closing.CancelAsync();
        _endpoints.Dispose();
        _closing.Dispose();
    }

    private static bool Concerns(StoreWrite write) => write switch
    {
        StoreWrite.Put put => put.Key == GenerationKey,
        StoreWrite.Delete delete => delete.Key == GenerationKey,
        StoreWrite.DeletePrefix range => GenerationKey.StartsWith(range.Prefix, StringComparison.Ordinal),
        _ => false,
    };

    private static bool IsUnder(IReadOnlyList<string> prefixes, string key) =>
        prefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal));

    private static long GenerationOf(KeyValue pair)
    {
        using var record = JsonDocument.Parse(pair.Value.Memory);
        return record.RootElement.GetProperty("number").GetInt64();
    }
}
