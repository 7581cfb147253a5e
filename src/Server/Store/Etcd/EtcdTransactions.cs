using Google.Protobuf;
using Lamina.Server.Store.Etcd.Protocol;

namespace Lamina.Server.Store.Etcd;

/// <summary>
/// Transactions in etcd's terms, pure. Each one that writes compares that its nonce is absent and puts it, under a lease that ends some minutes
/// later: sent twice, it is applied once, and its second answer names the revision of the first.
/// </summary>
/// <param name="layout">Where the keys are.</param>
internal sealed class EtcdTransactions(EtcdLayout layout)
{
    /// <summary>etcd's default for <c>--max-txn-ops</c>; a nested transaction has what its outer one leaves.</summary>
    private const int MostOperations = 128;

    private static readonly ByteString Applied = ByteString.CopyFromUtf8("a");
    private static readonly ByteString Refused = ByteString.CopyFromUtf8("r");

    private const string OtherGeneration = "The store was recovered, in another generation, since this daemon opened it: nothing is written until it has begun anew.";

    /// <param name="transaction">Within <see cref="StoreLimits"/>.</param>
    /// <param name="guard">What the transaction stands on besides.</param>
    /// <param name="nonceLease">What the nonce hangs on.</param>
    /// <param name="settles">
    /// An earlier attempt may still be under way. A refusal is then written down under the nonce, so that it cannot be carried out afterwards: a
    /// refusal that was only read would settle nothing.
    /// </param>
    public TxnRequest Request(StoreTransaction transaction, EtcdGuard? guard, long nonceLease, bool settles)
    {
        var request = new TxnRequest();
        request.Compare.AddRange(transaction.Compares.Select(CompareOf));
        if (transaction.Writes.Count == 0)
        {
            request.Failure.AddRange(transaction.ElseKeys.Select(Read));
            return request;
        }

        var nonce = layout.NonceOf(transaction.Nonce);
        request.Compare.Add(Absent(nonce, null));
        request.Failure.Add(Read(nonce));
        if (guard is not null)
        {
            var key = layout.KeyOf(guard.Key);
            request.Compare.Add(new Compare { Key = key, Target = Compare.Types.CompareTarget.Mod, ModRevision = guard.Revision });
            request.Failure.Add(Read(key));
        }

        request.Failure.AddRange(transaction.ElseKeys.Select(Read));
        if (settles) request.Failure.Add(WhenAll([Absent(nonce, null)], [Put(nonce, Refused, nonceLease)], []));
        RequestOp[] writes = [.. transaction.Writes.Select(WriteOf), Put(nonce, Applied, nonceLease)];
        int outer = Math.Max(request.Compare.Count, request.Failure.Count);

        // Deletions of what is not there change nothing, and get no revision: the nonce must not make one. Where etcd's bound leaves no
        // room for the question, a revision without changes is the price.
        if (transaction.Writes.Any(write => write is StoreWrite.Put) || outer + writes.Length > MostOperations) request.Success.AddRange(writes);
        else request.Success.Add(WhenAll(transaction.Writes.Select(NothingToDelete), [], writes));
        return request;
    }

    /// <exception cref="StoreUnavailableException">It is not the store any more that the guard is of; nothing was written.</exception>
    public StoreResult Result(StoreTransaction transaction, EtcdGuard? guard, TxnResponse response)
    {
        if (response.Succeeded) return new StoreResult { Succeeded = true, Revision = response.Header.Revision };
        var read = response.Responses.Where(part => part.ResponseRange is not null).Select(part => part.ResponseRange).ToArray();
        if (transaction.Writes.Count > 0)
        {
            if (read[0].Kvs is [var nonce] && nonce.Value == Applied) return new StoreResult { Succeeded = true, Revision = nonce.ModRevision };
            read = read[1..];
            if (guard is not null)
            {
                if (read[0].Kvs is not [var found] || found.ModRevision != guard.Revision) throw new StoreUnavailableException(OtherGeneration);
                read = read[1..];
            }
        }

        return new StoreResult
        {
            Succeeded = false,
            Revision = response.Header.Revision,
            ElseItems = [.. read.SelectMany(range => range.Kvs).Select(layout.ItemOf)],
        };
    }

    private Compare CompareOf(StoreCompare compare)
    {
        var key = layout.KeyOf(compare.Key);
        return compare switch
        {
            StoreCompare.Absent => Absent(key, null),
            StoreCompare.Exists => new Compare
            {
                Key = key, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Greater, Version = 0,
            },
            StoreCompare.ModRevision mod => new Compare { Key = key, Target = Compare.Types.CompareTarget.Mod, ModRevision = Existing(mod.Revision) },
            StoreCompare.CreateRevision created => new Compare
            {
                Key = key, Target = Compare.Types.CompareTarget.Create, CreateRevision = Existing(created.Revision),
            },
            StoreCompare.Value value => new Compare
            {
                Key = key, Target = Compare.Types.CompareTarget.Value, Value = UnsafeByteOperations.UnsafeWrap(value.Bytes),
            },
            _ => throw new ArgumentOutOfRangeException(nameof(compare)),
        };
    }

    /// <summary>To etcd an absent key has revision 0, but none that is absent satisfies a compare with a revision.</summary>
    private static long Existing(long revision) => revision > 0 ? revision : -1;

    private static Compare Absent(ByteString key, ByteString? end)
    {
        var compare = new Compare { Key = key, Target = Compare.Types.CompareTarget.Version, Version = 0 };
        if (end is not null) compare.RangeEnd = end;
        return compare;
    }

    private Compare NothingToDelete(StoreWrite write)
    {
        if (write is StoreWrite.Delete delete) return Absent(layout.KeyOf(delete.Key), null);
        var (from, to) = layout.RangeOf(((StoreWrite.DeletePrefix)write).Prefix);
        return Absent(from, to);
    }

    private RequestOp WriteOf(StoreWrite write)
    {
        switch (write)
        {
            case StoreWrite.Put put:
                return Put(layout.KeyOf(put.Key), UnsafeByteOperations.UnsafeWrap(put.Value), put.LeaseId);
            case StoreWrite.Delete delete:
                return new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = layout.KeyOf(delete.Key) } };
            case StoreWrite.DeletePrefix range:
                var (from, to) = layout.RangeOf(range.Prefix);
                return new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = from, RangeEnd = to } };
            default:
                throw new ArgumentOutOfRangeException(nameof(write));
        }
    }

    private RequestOp Read(string key) => Read(layout.KeyOf(key));

    private static RequestOp Read(ByteString key) => new() { RequestRange = new RangeRequest { Key = key } };

    private static RequestOp Put(ByteString key, ByteString value, long lease) =>
        new() { RequestPut = new PutRequest { Key = key, Value = value, Lease = lease } };

    private static RequestOp WhenAll(IEnumerable<Compare> compares, IEnumerable<RequestOp> then, IEnumerable<RequestOp> otherwise)
    {
        var inner = new TxnRequest();
        inner.Compare.AddRange(compares);
        inner.Success.AddRange(then);
        inner.Failure.AddRange(otherwise);
        return new RequestOp { RequestTxn = inner };
    }
}

/// <summary>A key that must still be at its revision when a transaction writes.</summary>
internal sealed record EtcdGuard(string Key, long Revision);
