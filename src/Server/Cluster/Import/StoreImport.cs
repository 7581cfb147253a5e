using Lamina.Api;
using Lamina.Linux;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Networks;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster.Import;

/// <summary>The host was removed from the cluster before all its records were there.</summary>
internal sealed class ImportRefusedException() : Exception("The host is no member of the cluster any more.");

/// <summary>
/// Writes what a host had in its own store into the cluster's. What was written is noted in the transaction that writes it, so that whoever goes on after a crash writes nothing twice: the
/// cluster's people may have changed it meanwhile. All records of an object come in one transaction.
/// </summary>
/// <param name="source">The host's sealed store.</param>
/// <param name="target">The cluster's.</param>
/// <param name="records">What becomes of each record.</param>
/// <param name="host">Who joins.</param>
/// <param name="events">Told what came along.</param>
/// <param name="time">The clock.</param>
internal sealed class StoreImport(LeftStore source, IStore target, ImportedRecords records, ObjectReference host, EventLog events, TimeProvider time)
{
    private const int MostWrites = 80;
    private const int MostBytes = 512 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly List<StoreWrite> _batch = [];
    private HostImport _progress = new();
    private long? _revision;
    private int _bytes;

    /// <returns>The revision at which all of it is there.</returns>
    /// <exception cref="ImportRefusedException">The host was removed meanwhile.</exception>
    /// <exception cref="StoreUnavailableException">The cluster's store does not answer: to be begun again.</exception>
    public async Task<long> RunAsync(ImportMapping mapping, CancellationToken cancellationToken)
    {
        if (await target.GetAsync(Key, cancellationToken) is { } noted) (_progress, _revision) = (RecordJson.Read(noted, Keys.Hosts.Import), noted.ModRevision);
        if (_progress.Done) return _revision!.Value;
        foreach (string prefix in ImportedRecords.Prefixes)
        {
            if (_progress.After is { } after && IsWritten(prefix, after)) continue;
            await WriteAsync(prefix, cancellationToken);
        }

        await ForwardAsync(mapping, cancellationToken);
        return await EndAsync(cancellationToken);
    }

    private string Key => Keys.Hosts.Import[host.Id];

    /// <summary>Whether all below the prefix was written before what was written last.</summary>
    private static bool IsWritten(string prefix, string after)
    {
        int position = ImportedRecords.Prefixes.TakeWhile(other => !after.StartsWith(other, StringComparison.Ordinal)).Count();
        return ImportedRecords.Prefixes.TakeWhile(other => other != prefix).Count() < position;
    }

    private async Task WriteAsync(string prefix, CancellationToken cancellationToken)
    {
        var group = new List<StoreItem>();
        await foreach (var page in source.ListAsync(prefix, cancellationToken))
        {
            foreach (var item in page.Items.Where(item => !IsWritten(item)))
            {
                if (group.Count > 0 && ObjectOf(group[0].Key, prefix) != ObjectOf(item.Key, prefix)) await AddAsync(group, cancellationToken);
                group.Add(item);
            }
        }

        await AddAsync(group, cancellationToken);
        await FlushAsync(cancellationToken);
    }

    private bool IsWritten(StoreItem item) => _progress.After is { } after && string.CompareOrdinal(item.Key, after) <= 0 && PrefixOf(item.Key) == PrefixOf(after);

    private static string? PrefixOf(string key) => ImportedRecords.Prefixes.FirstOrDefault(prefix => key.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>A claim is one of itself.</summary>
    private static string ObjectOf(string key, string prefix)
    {
        if (prefix == Keys.Names.Prefix || prefix == Keys.Addresses.Prefix) return key;
        int end = key.IndexOf('/', prefix.Length);
        return end < 0 ? key : key[..end];
    }

    private async Task AddAsync(List<StoreItem> group, CancellationToken cancellationToken)
    {
        if (group.Count == 0) return;
        StoreWrite.Put[] writes = [.. group.Select(records.Of).OfType<StoreWrite.Put>()];
        int bytes = writes.Sum(write => write.Value.Length);
        string last = group[^1].Key;
        group.Clear();
        if (_batch.Count + writes.Length > MostWrites || _bytes + bytes > MostBytes) await FlushAsync(cancellationToken);
        _batch.AddRange(writes);
        _bytes += bytes;
        _progress = _progress with { After = last };
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (_batch.Count == 0) return;
        await CommitAsync([.. _batch], cancellationToken);
        _batch.Clear();
        _bytes = 0;
    }

    private async Task CommitAsync(IReadOnlyList<StoreWrite> writes, CancellationToken cancellationToken)
    {
        _progress = _progress with { Records = _progress.Records + writes.Count };
        CrashPoints.Reached("import", "write", "before");
        var transaction = new StoreTransaction
        {
            Compares = [new StoreCompare.Exists(Keys.Hosts.Spec[host.Id]), _revision is { } noted ? new StoreCompare.ModRevision(Key, noted) : new StoreCompare.Absent(Key)],
            Writes = [.. writes, new StoreWrite.Put(Key, RecordJson.Write(_progress, Keys.Hosts.Import.TypeInfo))],
        };
        var written = await target.CommitSettledAsync(transaction, Patience, time, cancellationToken);
        CrashPoints.Reached("import", "write", "after");
        if (!written.Succeeded) throw new ImportRefusedException();
        _revision = written.Revision;
    }

    /// <summary>Ports that lead into a network in whose place the cluster's is: added to that one, but where somebody has taken the port meanwhile.</summary>
    private async Task ForwardAsync(ImportMapping mapping, CancellationToken cancellationToken)
    {
        foreach (var (own, other) in mapping.Networks.Where(pair => pair.Value.Length > 0).OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (source.Get(Keys.Networks.Spec[own]) is not { } item) continue;
            var forwards = RecordJson.Read(item, Keys.Networks.Spec).Forwards;
            while (!await TryForwardAsync(other, forwards, cancellationToken))
            {
                // Somebody has changed the network at this moment.
            }
        }
    }

    private async Task<bool> TryForwardAsync(string network, IReadOnlyList<NetworkForward> forwards, CancellationToken cancellationToken)
    {
        if (await target.GetAsync(Keys.Networks.Spec[network], cancellationToken) is not { } item) return true;
        var spec = RecordJson.Read(item, Keys.Networks.Spec);
        NetworkForward[] missing = [.. forwards.Where(forward => !spec.Forwards.Any(there => there.Id == forward.Id || ForwardRules.Clash(there, forward)))];
        if (missing.Length == 0) return true;
        var change = new StoreChange("import.forwards").Update(Keys.Networks.Spec, network, spec with { Forwards = [.. spec.Forwards, .. missing] }, item.ModRevision);
        return (await change.CommitAsync(target, time, cancellationToken)).Succeeded;
    }

    private async Task<long> EndAsync(CancellationToken cancellationToken)
    {
        _progress = _progress with { Done = true };
        var change = new StoreChange("import.end").RequireExists(Keys.Hosts.Spec[host.Id]);
        if (_revision is { } noted) change.Update(Keys.Hosts.Import, host.Id, _progress, noted);
        else change.Create(Keys.Hosts.Import, host.Id, _progress);
        events.Add(change, new EventDraft { Kind = "cluster.imported", Message = $"Host '{host.Name}' has brought along what it had: {_progress.Records} records.", Target = host });
        var ended = await change.CommitAsync(target, time, cancellationToken);
        return ended.Succeeded ? ended.Revision : throw new ImportRefusedException();
    }
}
