using Lamina.Api;
using Lamina.Testing.Bed;

namespace Lamina.Tests.Faults;

/// <summary>Rounds over one cluster and its guests; when something is wrong, what hosts have said is kept, and the next round has a cluster of its own.</summary>
internal sealed class FaultsRun(FaultsOptions options, FaultsReport report, TextWriter output, TimeProvider time)
{
    private const int Hosts = 3;

    /// <summary>Every so many rounds a host is emptied.</summary>
    private const int EvacuateEvery = 8;

    private static readonly string[] s_guests = ["anna", "bela", "cleo", "dora"];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Random _random = new(options.Seed);
    private readonly Queue<BedFault> _next = new();
    private readonly long _began = time.GetTimestamp();

    private bool IsOver => report.Count >= options.Migrations || time.GetElapsedTime(_began) > TimeSpan.FromMinutes(options.Minutes);

    public async Task RunAsync(CancellationToken stop)
    {
        for (int bed = 1; !IsOver && !stop.IsCancellationRequested; bed++)
        {
            await using var cluster = await ClusterBed.StartClusterAsync(Hosts);
            try
            {
                await RunOnAsync(cluster, stop);
            }
            catch (Exception failure) when (failure is not OperationCanceledException || !stop.IsCancellationRequested)
            {
                await output.WriteLineAsync($"cluster {bed} was given up: {failure.Message}");
            }
            finally
            {
                await KeepWordsAsync(cluster, bed);
            }
        }
    }

    /// <summary>What the daemons have said, beside the report.</summary>
    private async Task KeepWordsAsync(ClusterBed cluster, int bed)
    {
        string kept = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(options.Report))!, $"faults-{options.Seed}-{bed}");
        Directory.CreateDirectory(kept);
        foreach (var host in cluster.Hosts) await File.WriteAllTextAsync(Path.Combine(kept, $"{host.Name}.log"), host.Words, CancellationToken.None);
    }

    private async Task RunOnAsync(ClusterBed bed, CancellationToken stop)
    {
        await using var guests = await BedGuests.PrepareAsync(bed, stop);
        await using var relay = await bed.StartRelayAsync();
        var vms = new List<Vm>();
        // Every other one has its disk on the host's own pool.
        foreach (string name in s_guests) vms.Add(await guests.LaunchAsync(name, bed.Hosts[vms.Count % Hosts], vms.Count % 2 == 0 ? BedGuests.SharedPool : null, stop));
        var trial = new BedTrial(bed, guests, relay, Patience);
        while (!IsOver && !stop.IsCancellationRequested)
        {
            if (report.Rounds % EvacuateEvery == EvacuateEvery - 1)
            {
                await EvacuateAsync(bed, guests, vms, stop);
                continue;
            }

            var moves = ChooseMoves(bed, guests, vms);
            var strike = new BedStrike(NextFault(), bed.Hosts[_random.Next(Hosts)], After(), TimeSpan.FromMilliseconds(_random.Next(200, 8000)));
            long began = time.GetTimestamp();
            var results = await trial.RunAsync(moves, strike, stop);
            report.Rounds++;
            foreach (var result in results)
            {
                report.Add(result);
                await output.WriteLineAsync($"{report.Count,3} {FaultsReport.Line(result)} (struck after {strike.After.TotalMilliseconds:F0} ms for {strike.For.TotalMilliseconds:F0} ms; {time.GetElapsedTime(began).TotalSeconds:F0} s)");
            }

            await File.WriteAllTextAsync(options.Report, report.ToJson(), CancellationToken.None);
            if (results.FirstOrDefault(result => result.Wrong is not null) is { } wrong) throw new InvalidOperationException(wrong.Wrong);
        }
    }

    /// <summary>One host is emptied and filled again, while something happens.</summary>
    private async Task EvacuateAsync(ClusterBed bed, BedGuests guests, List<Vm> vms, CancellationToken stop)
    {
        var host = bed.Hosts.MaxBy(host => (vms.Count(vm => guests.ProcessesOf(vm.Id).Single().Host == host), _random.Next()))!;
        var fault = Enum.GetValues<EvacuationFault>()[report.Evacuations % Enum.GetValues<EvacuationFault>().Length];
        long began = time.GetTimestamp();
        var result = await new BedEvacuation(bed, guests, Patience).RunAsync(host, vms, fault, TimeSpan.FromMilliseconds(_random.Next(500, 9000)), TimeSpan.FromMilliseconds(_random.Next(200, 6000)), stop);
        report.Rounds++;
        report.Add(result);
        await output.WriteLineAsync($"    {FaultsReport.Line(result)} ({time.GetElapsedTime(began).TotalSeconds:F0} s)");
        await File.WriteAllTextAsync(options.Report, report.ToJson(), CancellationToken.None);
        if (result.Wrong is not null) throw new InvalidOperationException(result.Wrong);
    }

    /// <summary>Most of a migration's life is its first seconds; some faults strike when it is over or nearly so.</summary>
    private TimeSpan After() => TimeSpan.FromMilliseconds(_random.Next(4) == 0 ? _random.Next(3000, 12_000) : _random.Next(0, 4000));

    private List<BedMove> ChooseMoves(ClusterBed bed, BedGuests guests, List<Vm> vms)
    {
        long?[] speeds = [null, null, 32 << 20, 12 << 20];
        return [.. vms.OrderBy(_ => _random.Next()).Take(options.AtOnce).Select(vm =>
        {
            var from = guests.ProcessesOf(vm.Id).Single().Host;
            var others = bed.Hosts.Where(host => host != from).ToArray();
            return new BedMove(vm, others[_random.Next(others.Length)]) { BytesPerSecond = speeds[_random.Next(speeds.Length)] };
        })];
    }

    /// <summary>Each comes up equally often, in an order of chance.</summary>
    private BedFault NextFault()
    {
        if (_next.Count == 0)
        {
            foreach (var fault in BedFault.All.Where(fault => options.Only.Count == 0 || options.Only.Contains(fault.Name)).OrderBy(_ => _random.Next())) _next.Enqueue(fault);
        }

        return _next.Dequeue();
    }
}
