using System.Collections.Concurrent;
using Lamina.Engine;
using Lamina.Engine.Qmp;

namespace Lamina.Server.Metrics;

/// <summary>
/// Asks engines for what only they know. Each question has a deadline and nobody waits for it: the answer counts from when it comes. At most
/// <see cref="PerSecond"/> are asked in a second, those first that were not asked for longest, so that a thousand VMs cost no more than a hundred.
/// </summary>
internal sealed class VmQuestions(TimeProvider time) : IDisposable
{
    public const int PerSecond = 10;
    private const int AtOnce = 8;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, Asked> _asked = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _turns = new(AtOnce);

    /// <summary>The last answer of this process, and the one before.</summary>
    public (VmAnswer? Before, VmAnswer? Last) AnswersOf(IVm vm) =>
        _asked.TryGetValue(vm.Id.ToString(), out var asked) && ReferenceEquals(asked.Vm, vm) ? (asked.Before, asked.Last) : (null, null);

    /// <summary>Begins to ask those whose turn it is.</summary>
    /// <param name="running">All that have a process.</param>
    /// <param name="interval">Until this is called again.</param>
    /// <param name="cancellationToken">Ends all questions.</param>
    /// <returns>Ends with the last answer or deadline; for tests.</returns>
    public Task AskAsync(IReadOnlyList<IVm> running, TimeSpan interval, CancellationToken cancellationToken)
    {
        var ids = running.Select(vm => vm.Id.ToString()).ToHashSet();
        foreach (string gone in _asked.Keys.Where(id => !ids.Contains(id))) _asked.TryRemove(gone, out _);
        foreach (var vm in running)
        {
            string id = vm.Id.ToString();
            if (!_asked.TryGetValue(id, out var known) || !ReferenceEquals(known.Vm, vm)) _asked[id] = new Asked(vm);
        }

        var turns = _asked.Values
            .Where(asked => !asked.IsUnderWay && asked.Vm.MonitorAnswers)
            .OrderBy(asked => asked.At)
            .Take((int)Math.Max(1, PerSecond * interval.TotalSeconds))
            .ToList();
        var guestInterval = TimeSpan.FromSeconds(Math.Ceiling(Math.Max(interval.TotalSeconds, (double)running.Count / PerSecond)));
        foreach (var asked in turns) asked.IsUnderWay = true;
        return Task.WhenAll(turns.Select(asked => AskAsync(asked, guestInterval, cancellationToken)));
    }

    public void Dispose() => _turns.Dispose();

    private async Task AskAsync(Asked asked, TimeSpan guestInterval, CancellationToken cancellationToken)
    {
        asked.At = time.GetTimestamp();
        try
        {
            await _turns.WaitAsync(cancellationToken);
            try
            {
                using var deadline = new CancellationTokenSource(Deadline, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
                var counters = await asked.Vm.QueryCountersAsync(guestInterval, either.Token);
                asked.Before = asked.Last;
                asked.Last = new VmAnswer(time.GetTimestamp(), counters);
            }
            finally
            {
                _turns.Release();
            }
        }
        catch (Exception silent) when (silent is OperationCanceledException or QmpClosedException or QmpErrorException or QmpProtocolException or ObjectDisposedException)
        {
            // Busy, hung or on its way out: its own watch tells of that, and here a figure is missing.
        }
        finally
        {
            asked.IsUnderWay = false;
        }
    }

    private sealed class Asked(IVm vm)
    {
        public IVm Vm { get; } = vm;

        public long At { get; set; } = long.MinValue;

        public volatile bool IsUnderWay;

        public VmAnswer? Before { get; set; }

        public VmAnswer? Last { get; set; }
    }
}
