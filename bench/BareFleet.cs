namespace Lamina.Bench;

/// <summary>Several guests of the bare script, which may run at the same time.</summary>
internal sealed class BareFleet(string scripts, string folder, int count) : IAsyncDisposable
{
    private readonly BareGuest[] _guests = [.. Enumerable.Range(0, count).Select(number => new BareGuest(scripts, Path.Join(folder, $"bare{number}"), number))];

    public Task PrepareAsync(BenchDaemon daemon, LaminaGuest lamina) => Bench.PrepareAsync(daemon, lamina, _guests, folder);

    /// <summary>Makes and starts them one after the other.</summary>
    /// <returns>Milliseconds of each.</returns>
    public async Task<IReadOnlyList<double>> StartAsync()
    {
        var times = new List<double>();
        foreach (var guest in _guests) times.Add(await guest.StartAsync(anew: true));
        return times;
    }

    public async Task StopAsync()
    {
        foreach (var guest in _guests) await guest.StopAsync(keep: false);
    }

    /// <summary>The first one, which made what they share, goes last.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var guest in _guests.Reverse()) await guest.DisposeAsync();
    }
}
