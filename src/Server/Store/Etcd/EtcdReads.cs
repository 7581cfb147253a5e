using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Lamina.Server.Store.Etcd.Protocol;

namespace Lamina.Server.Store.Etcd;

/// <summary>
/// Reads, each confirmed by the majority. What is older than what this daemon has seen before (a restored etcd, a fault of etcd 3.4) is refused.
/// </summary>
internal sealed class EtcdReads(EtcdCalls calls, EtcdLayout layout, ulong clusterId)
{
    private long _seen;

    /// <summary>Every later read is of this revision or a newer one.</summary>
    public void Saw(long revision)
    {
        long seen = Volatile.Read(ref _seen);
        while (revision > seen)
        {
            long found = Interlocked.CompareExchange(ref _seen, revision, seen);
            if (found == seen) return;
            seen = found;
        }
    }

    public async ValueTask<StoreItem?> GetAsync(string key, CancellationToken cancellationToken)
    {
        var found = await RangeAsync(new RangeRequest { Key = layout.KeyOf(key) }, cancellationToken);
        return found.Kvs.Count == 0 ? null : layout.ItemOf(found.Kvs[0]);
    }

    public async IAsyncEnumerable<StorePage> ListAsync(
        IReadOnlyList<string> prefixes, StoreListOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long revision = 0;
        int left = options.Limit ?? int.MaxValue;
        bool any = false;
        foreach (string prefix in prefixes)
        {
            var request = RequestOf(prefix, options);
            while (left > 0)
            {
                request.Limit = Math.Min(left, StoreLimits.PageSize);
                request.Revision = revision;
                if (request.Key.Span.SequenceCompareTo(request.RangeEnd.Span) >= 0) break;
                var found = await RangeAsync(request, cancellationToken);
                if (revision == 0) revision = found.Header.Revision;
                if (found.Kvs.Count > 0)
                {
                    any = true;
                    yield return new StorePage(revision, [.. found.Kvs.Select(layout.ItemOf)]);
                }

                left -= found.Kvs.Count;
                if (!found.More) break;
                var last = found.Kvs[^1].Key;
                if (options.Descending) request.RangeEnd = last;
                else request.Key = EtcdLayout.After(last);
            }
        }

        if (any) yield break;
        if (revision == 0) revision = await RevisionAsync(cancellationToken);
        yield return new StorePage(revision, []);
    }

    /// <summary>The newest revision, as the majority has it.</summary>
    public async Task<long> RevisionAsync(CancellationToken cancellationToken) =>
        (await RangeAsync(new RangeRequest { Key = layout.Everything.From, CountOnly = true }, cancellationToken)).Header.Revision;

    /// <exception cref="StoreUnavailableException">Another cluster answers, or an older state of this one.</exception>
    public void Check(ResponseHeader header, long seen, string endpoint)
    {
        if (header.ClusterId != clusterId)
            throw new StoreUnavailableException($"The etcd at {endpoint} is another cluster ({header.ClusterId:x}) than that of this store ({clusterId:x}).");
        if (header.Revision < seen)
            throw new StoreUnavailableException($"The etcd at {endpoint} gives revision {header.Revision} after {seen}: an older state is refused.");
        Saw(header.Revision);
    }

    private RangeRequest RequestOf(string prefix, StoreListOptions options)
    {
        var (from, to) = layout.RangeOf(prefix);
        if (options.From is { } edge)
        {
            var key = layout.KeyOf(edge);
            if (options.Descending) to = Lower(to, EtcdLayout.After(key));
            else if (key.Span.SequenceCompareTo(from.Span) > 0) from = key;
        }

        var request = new RangeRequest { Key = from, RangeEnd = to };
        if (options.Descending) request.SortOrder = RangeRequest.Types.SortOrder.Descend;
        return request;
    }

    private static ByteString Lower(ByteString left, ByteString right) => left.Span.SequenceCompareTo(right.Span) <= 0 ? left : right;

    private async Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellationToken)
    {
        long seen = Volatile.Read(ref _seen);
        string endpoint = "";
        try
        {
            var found = await calls.AskAsync(
                (etcd, options) =>
                {
                    endpoint = etcd.Endpoint;
                    return etcd.Kv.RangeAsync(request, options).ResponseAsync;
                },
                cancellationToken);
            Check(found.Header, seen, endpoint);
            return found;
        }
        catch (RpcException compacted)
        {
            throw new StoreUnavailableException("The list took longer than etcd keeps its history. Read it again.", compacted);
        }
    }
}
