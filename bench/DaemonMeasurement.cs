using Lamina.Api;

namespace Lamina.Bench;

/// <summary>What the daemon costs with few and with many VMs on record, and how fast the command line lists them.</summary>
internal sealed class DaemonMeasurement(BenchDaemon daemon, BenchOptions options)
{
    private const int Restarts = 5;
    private const int Listings = 50;
    private const int AtOnce = 16;

    /// <param name="idleKiB">Its memory with nothing on record.</param>
    /// <param name="vmList">The listing of one VM.</param>
    public async Task<DaemonFigures> MeasureAsync(long idleKiB, Summary vmList)
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, options.Recorded), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (number, _) => await RecordAsync(number));
        var answers = new List<double>();
        for (int restart = 0; restart < Restarts; restart++)
        {
            await daemon.StopAsync();
            answers.Add(await daemon.StartAsync());
        }

        long full = await daemon.IdleResidentAsync();
        return new DaemonFigures
        {
            IdleKiB = idleKiB,
            Recorded = options.Recorded,
            RecordedKiB = full,
            PerVmKiB = (double)(full - idleKiB) / options.Recorded,
            FirstAnswer = Summary.Of(answers),
            VmList = vmList,
            LongVmList = await ListAsync(),
        };
    }

    public async Task<Summary> ListAsync(int listings = Listings)
    {
        var times = new List<double>();
        for (int listing = 0; listing < listings; listing++) times.Add(await daemon.TimeCliAsync("vm", "list"));
        return Summary.Of(times[1..]);
    }

    // One without disks, for 1,000 files say nothing of the daemon, and with a card that needs no address, of which a subnet has too few.
    private async Task RecordAsync(int number)
    {
        var wish = new VmCreate { Name = $"recorded-{number}", MemoryMiB = LaminaGuest.DefaultMemoryMiB, Nics = [new VmNicCreate { Kind = NicKind.User }] };
        var operation = await daemon.Client.Vms.CreateAsync(wish, CancellationToken.None);
        operation = await daemon.Client.Operations.WaitAsync(operation.Id, null, CancellationToken.None);
        if (operation.State?.Phase != OperationPhase.Succeeded) throw new InvalidOperationException($"VM {number} was not made: {operation.State?.Failure?.Message}");
    }
}
