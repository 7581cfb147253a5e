using System.Text.Json;
using Lamina.Api;

namespace Lamina.Bench.Migration;

/// <summary>
/// <c>./dev bench migrate</c>: the same small guest moved to and fro by Lamina, by a bare script and by libvirt, interleaved. Only the guest that is moved runs; the others stand still.
/// </summary>
internal sealed class MigrateBench(BenchCluster cluster, Ticks ticks, BareMigration bare, LibvirtMigration? libvirt, StoreProbe probe)
{
    private const string Vm = "bench";
    private const int LaminaNumber = 1;
    private const int BareNumber = 2;
    private const int LibvirtNumber = 3;

    /// <summary>Ticks before a move, so that the guest is in its stride, and after it, so that a gap is seen to its end.</summary>
    private const int Settled = 100;

    private readonly Random _random = new(20_260_101);

    public static async Task ReportAsync(BenchOptions options)
    {
        string before = Bench.Load();
        await using var cluster = await BenchCluster.StartAsync(2, options);
        using var ticks = new Ticks(cluster.Bed);
        var work = new GuestWork(MemoryMiB: 2 * options.FilledMiB, options.FilledMiB, DirtyMiB: 4, DirtyMiBPerSecond: 4);
        var vm = await cluster.LaunchAsync(Vm, LaminaNumber, work);
        string[] arguments = [.. (await cluster.Client.Vms.GetQemuArgumentsAsync(Vm, CancellationToken.None)).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        await using var bare = await BareMigration.StartAsync(cluster.Bed, arguments, options.Media, BareNumber, work);
        await using var libvirt = options.Libvirt == 0 ? null : await LibvirtMigration.StartAsync(cluster.Bed, options, vm.Spec.Machine.Type, LibvirtNumber, work);
        await using var probe = new StoreProbe(cluster.Bed.Hosts[1], cluster.Bed.Hosts[0]);
        var result = await new MigrateBench(cluster, ticks, bare, libvirt, probe).MeasureAsync(options, before) with { Work = work };
        await Report.WriteAsync(options.Results, "migrate", JsonSerializer.Serialize(result, BenchJson.Default.MigrateResult) + "\n", MigrateTable.Of(result));
    }

    private async Task<MigrateResult> MeasureAsync(BenchOptions options, string loadBefore)
    {
        await SettleAsync();
        var pairs = new List<MovePair>();
        var clear = new List<Move>();
        var plain = new List<Move>();
        var virsh = new List<Move>();
        var transactions = new List<double>();
        var trips = new List<double>();
        // The first of each finds cold caches, and is not counted.
        for (int turn = -1; turn < options.Pairs; turn++)
        {
            var (transaction, trip) = await probe.AskAsync();
            var pair = _random.Next(2) == 0 ? await PairAsync(LaminaAsync, BareAsync, false) : await PairAsync(BareAsync, LaminaAsync, true);
            bool isSpread = turn < 0 || (turn * options.Libvirt / options.Pairs) != ((turn + 1) * options.Libvirt / options.Pairs);
            var unencrypted = isSpread ? await BareAsync(BareKind.InTheClear) : null;
            var groupless = isSpread ? await BareAsync(BareKind.WithoutGroup) : null;
            var theirs = isSpread && libvirt is not null ? await LibvirtAsync() : null;
            Console.Error.WriteLine($"{turn + 1}/{options.Pairs}: Lamina {pair.Lamina}, script {pair.Bare}, without a group {groupless}, in the clear {unencrypted}, virsh {theirs}; transaction {transaction:0.0} ms, round trip {trip:0.0} ms");
            if (turn < 0) continue;
            pairs.Add(pair);
            transactions.Add(transaction);
            trips.Add(trip);
            if (unencrypted is not null) clear.Add(unencrypted);
            if (groupless is not null) plain.Add(groupless);
            if (theirs is not null) virsh.Add(theirs);
        }

        return MigrateResult.Of(pairs, plain, clear, virsh, transactions, trips) with { At = TimeProvider.System.GetUtcNow(), Machine = await Bench.MachineAsync(loadBefore) };
    }

    private static async Task<MovePair> PairAsync(Func<Task<Move>> first, Func<Task<Move>> second, bool isSwapped)
    {
        var (one, other) = (await first(), await second());
        return isSwapped ? new MovePair(other, one) : new MovePair(one, other);
    }

    /// <summary>All guests have come up; from then on each stands still until it is its turn.</summary>
    private async Task SettleAsync()
    {
        foreach (int number in new[] { LaminaNumber, BareNumber }.Concat(libvirt is null ? [] : [LibvirtNumber])) await ticks.HearAsync(number, Settled);
        await PauseAsync();
        await bare.PauseAsync();
        if (libvirt is not null) await libvirt.PauseAsync();
    }

    private async Task<Move> LaminaAsync()
    {
        string to = (await cluster.HostOfAsync(Vm)).Name == cluster.Bed.Hosts[0].Name ? cluster.Bed.Hosts[1].Name : cluster.Bed.Hosts[0].Name;
        await ResumeAsync();
        var move = await MeasureAsync(LaminaNumber, async () =>
        {
            long begun = TimeProvider.System.GetTimestamp();
            await cluster.SucceedsAsync(await cluster.Client.Vms.MigrateAsync(Vm, new VmMigrate { To = to }, CancellationToken.None));
            return Run.Since(begun);
        });
        await PauseAsync();
        return move;
    }

    private Task<Move> BareAsync() => BareAsync(BareKind.Encrypted);

    private async Task<Move> BareAsync(BareKind kind)
    {
        await bare.ResumeAsync();
        var move = await MeasureAsync(BareNumber, () => bare.MoveAsync(kind));
        await bare.PauseAsync();
        return move;
    }

    private async Task<Move> LibvirtAsync()
    {
        await libvirt!.ResumeAsync();
        var move = await MeasureAsync(LibvirtNumber, libvirt.MoveAsync);
        await libvirt.PauseAsync();
        return move;
    }

    private async Task<Move> MeasureAsync(int number, Func<Task<double>> move)
    {
        await ticks.HearAsync(number, Settled);
        ticks.Begin(number);
        double total = await move();
        await ticks.HearAsync(number, Settled);
        return new Move(total, ticks.End(number));
    }

    private async Task PauseAsync() => await cluster.SucceedsAsync(await cluster.Client.Vms.PauseAsync(Vm, CancellationToken.None));

    private async Task ResumeAsync() => await cluster.SucceedsAsync(await cluster.Client.Vms.ResumeAsync(Vm, CancellationToken.None));
}
