using Lamina.Bench;
using Lamina.Bench.Evacuation;
using Lamina.Bench.Migration;
using Lamina.Bench.Web;

try
{
    var options = BenchOptions.Parse(args);
    await (options.What switch
    {
        "start" => Bench.StartAsync(options),
        "clone" => CloneBench.ReportAsync(options),
        "density" => DensityBench.RunAsync(options),
        "placement" => PlacementBench.ReportAsync(options),
        "scale" => ScaleBench.ReportAsync(options),
        "memory" => MemoryBench.RunAsync(options),
        "evacuate" => EvacuateBench.ReportAsync(options),
        "migrate" => MigrateBench.ReportAsync(options),
        "probe" => StoreProbe.ServeAsync(options),
        "web" => WebBench.ReportAsync(options),
        "snapshot" => SnapshotBench.ReportAsync(options),
        _ => throw new ArgumentException($"'{options.What}' is nothing to measure."),
    });
    return 0;
}
catch (Exception failure) when (failure is ArgumentException or InvalidOperationException or IOException or TimeoutException)
{
    Console.Error.WriteLine($"bench: {failure.Message}");
    return 1;
}
