namespace Lamina.Bench;

/// <summary>Times of all starts of one run.</summary>
internal sealed record Starts(Comparison Launch, Comparison Start, Summary Virsh);

/// <summary>The starts of one run, interleaved: what the machine does besides meets all of them alike.</summary>
internal sealed class StartMeasurement(LaminaGuest lamina, BareGuest bare, LibvirtGuest libvirt, BenchOptions options)
{
    private const int WarmUps = 5;

    public async Task<Starts> MeasureAsync()
    {
        var (launches, starts, virsh) = (new List<(double, double)>(), new List<(double, double)>(), new List<double>());
        for (int round = -WarmUps; round < options.Pairs; round++)
        {
            var launch = await PairAsync(lamina.LaunchAsync, () => bare.StartAsync(anew: true));
            await StopAsync();
            var start = await PairAsync(lamina.StartAsync, () => bare.StartAsync(anew: false));
            await RemoveAsync();
            double? libvirts = IsLibvirtsTurn(round) ? await VirshAsync() : null;
            if (round < 0) continue;
            launches.Add(launch);
            starts.Add(start);
            if (libvirts is { } milliseconds) virsh.Add(milliseconds);
            if (round % 10 == 0) Console.Error.WriteLine($"pair {round}: {launch.Lamina:0} {launch.Bare:0} · {start.Lamina:0} {start.Bare:0} · virsh {libvirts:0}");
        }

        return new(Comparison.Of(launches), Comparison.Of(starts), Summary.Of(virsh));
    }

    private bool IsLibvirtsTurn(int round) =>
        round < 0 || (long)(round + 1) * options.Libvirt / options.Pairs > (long)round * options.Libvirt / options.Pairs;

    private static async Task<(double Lamina, double Bare)> PairAsync(Func<Task<double>> laminas, Func<Task<double>> bares)
    {
        if (Random.Shared.Next(2) == 0) return (await laminas(), await bares());
        double bareMilliseconds = await bares();
        return (await laminas(), bareMilliseconds);
    }

    private async Task StopAsync()
    {
        await lamina.StopAsync();
        await bare.StopAsync(keep: true);
    }

    private async Task RemoveAsync()
    {
        await lamina.StopAsync();
        await lamina.DeleteAsync();
        await bare.StopAsync(keep: false);
    }

    private async Task<double> VirshAsync()
    {
        double milliseconds = await libvirt.StartAsync();
        await libvirt.StopAsync();
        return milliseconds;
    }
}
