using System.Text.Json;
using Lamina.Api;
using Lamina.Bench.Migration;
using Lamina.Linux.Cgroups;
using Lamina.Testing.Bed;

namespace Lamina.Bench.Evacuation;

/// <summary>
/// <c>./dev bench evacuate</c>: a host whose link is narrow is emptied, by Lamina's plan, and by so many migrations at once as a fixed limit says; then two hosts at once, which share no
/// link with each other.
/// </summary>
internal sealed class EvacuateBench(BenchCluster cluster, Ticks ticks, BenchOptions options)
{
    private const int Megabits = 200;
    private const double BytesPerSecond = Megabits * 1_000_000 / 8.0;

    /// <summary>Ticks that show that a guest is in its stride.</summary>
    private const int Settled = 20;

    private static readonly GuestWork Work = new(MemoryMiB: 96, FilledMiB: 16, DirtyMiB: 1, DirtyMiBPerSecond: 0.25) { PeriodMs = 50 };

    private readonly Dictionary<string, LimitedLink> _links = [];
    private readonly Group _left = new("left", cluster.Bed.Hosts[0], cluster.Bed.Hosts[1]);
    private readonly Group _right = new("right", cluster.Bed.Hosts[2], cluster.Bed.Hosts[3]);

    public static async Task ReportAsync(BenchOptions options)
    {
        string before = Bench.Load();
        await using var cluster = await BenchCluster.StartAsync(4, options);
        using var ticks = new Ticks(cluster.Bed);
        var result = await new EvacuateBench(cluster, ticks, options).MeasureAsync() with { At = TimeProvider.System.GetUtcNow(), Machine = await Bench.MachineAsync(before) };
        await Report.WriteAsync(options.Results, "evacuate", JsonSerializer.Serialize(result, BenchJson.Default.EvacuateResult) + "\n", EvacuateTable.Of(result));
    }

    private async Task<EvacuateResult> MeasureAsync()
    {
        await LaunchAsync(_left, 0);
        foreach (var host in cluster.Bed.Hosts) _links[host.Name] = new LimitedLink(host, Megabits);
        var single = new List<Emptying>();
        for (int round = 0; round < options.Rounds; round++)
        {
            single.Add(await EmptyAsync("Lamina", [_left], EvacuateAsync));
            foreach (int limit in new[] { 1, 2, 8 }) single.Add(await EmptyAsync(NameOf(limit), [_left], groups => MigrateAsync(groups, limit)));
        }

        await LaunchAsync(_right, options.Guests);
        var pairs = new List<Emptying>();
        for (int round = 0; round < options.Rounds; round++)
        {
            pairs.Add(await EmptyAsync("Lamina", [_left, _right], EvacuateAsync));
            pairs.Add(await EmptyAsync(NameOf(1), [_left, _right], groups => MigrateAsync(groups, 1)));
        }

        return new EvacuateResult { Machine = null, Guests = options.Guests, Work = Work, Megabits = Megabits, OneLink = single, TwoLinks = pairs };
    }

    private static string NameOf(int limit) => $"{limit} at once";

    /// <summary>Guests of one pair of hosts, all on the first one.</summary>
    private async Task LaunchAsync(Group group, int firstNumber)
    {
        await RuleAsync(group, [group.From]);
        await Task.WhenAll(Enumerable.Range(0, options.Guests).Select(async index =>
        {
            int number = firstNumber + index;
            await cluster.LaunchAsync($"{group.Name}{index}", number, Work, [group.Name]);
            await ticks.HearAsync(number, Settled);
        }));
        await cluster.Client.Placement.DeleteRuleAsync(group.Name, CancellationToken.None);
        await RuleAsync(group, [group.From, group.To]);
    }

    private Task RuleAsync(Group group, IReadOnlyList<BedHost> hosts) => cluster.Client.Placement.CreateRuleAsync(
        new PlacementRuleCreate { Name = group.Name, Kind = PlacementRuleKind.OnHosts, Tags = [group.Name], Hosts = [.. hosts.Select(host => host.Name)] }, CancellationToken.None);

    /// <summary>Empties the hosts that have the groups' guests now, in one way.</summary>
    private async Task<Emptying> EmptyAsync(string how, IReadOnlyList<Group> groups, Func<IReadOnlyList<Group>, Task> emptyAsync)
    {
        long bytes = 0;
        foreach (var group in groups) bytes = Math.Max(bytes, await NonZeroBytesAsync(group));
        foreach (var group in groups) _links[group.From.Name].Begin();
        string load = Bench.Load();
        long begun = TimeProvider.System.GetTimestamp();
        await emptyAsync(groups);
        double seconds = TimeProvider.System.GetElapsedTime(begun).TotalSeconds;
        double busy = groups.Min(group => _links[group.From.Name].End()) / BytesPerSecond / seconds;
        foreach (var group in groups) await ArrivedAsync(group);
        var emptying = new Emptying(how, seconds, bytes / BytesPerSecond, busy, load);
        Console.Error.WriteLine($"{string.Join(" and ", groups.Select(group => group.Name))}: {emptying}");
        foreach (var group in groups) group.Swap();
        return emptying;
    }

    private Task EvacuateAsync(IReadOnlyList<Group> groups) => Task.WhenAll(groups.Select(async group =>
        await cluster.SucceedsAsync(await cluster.Client.Hosts.EvacuateAsync(group.From.Name, new HostEvacuate(), CancellationToken.None))));

    /// <summary>The next one begins when one has ended, as an engine with a fixed limit does it.</summary>
    private async Task MigrateAsync(IReadOnlyList<Group> groups, int limit)
    {
        using var room = new SemaphoreSlim(limit);
        await Task.WhenAll(groups.SelectMany(group => Enumerable.Range(0, options.Guests).Select(async index =>
        {
            await room.WaitAsync();
            try
            {
                await cluster.SucceedsAsync(await cluster.Client.Vms.MigrateAsync($"{group.Name}{index}", new VmMigrate { To = group.To.Name }, CancellationToken.None));
            }
            finally
            {
                room.Release();
            }
        })));
    }

    private async Task<long> NonZeroBytesAsync(Group group)
    {
        long bytes = 0;
        for (int index = 0; index < options.Guests; index++)
        {
            string id = (await cluster.VmAsync($"{group.Name}{index}")).Id;
            bytes += GuestMemory.NonZeroBytes(CgroupManager.Detect(group.From.Instance.CgroupName).ReadMembers(id)[0]);
        }

        return bytes;
    }

    /// <summary>All guests run on, on the other host.</summary>
    private async Task ArrivedAsync(Group group)
    {
        for (int index = 0; index < options.Guests; index++)
        {
            if (await cluster.HostOfAsync($"{group.Name}{index}") != group.To) throw new InvalidOperationException($"{group.Name}{index} is not on {group.To.Name}");
            await ticks.HearAsync((group == _left ? 0 : options.Guests) + index, Settled);
        }
    }

    /// <summary>Two hosts, the guests that may be on them only, and the direction in which they go next.</summary>
    private sealed class Group(string name, BedHost from, BedHost to)
    {
        public string Name => name;

        public BedHost From { get; private set; } = from;

        public BedHost To { get; private set; } = to;

        public void Swap() => (From, To) = (To, From);
    }
}
