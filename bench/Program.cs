using Lamina.Bench;

try
{
    var options = BenchOptions.Parse(args);
    var result = await Bench.RunAsync(options);
    Directory.CreateDirectory(options.Results);
    await File.WriteAllTextAsync(Path.Join(options.Results, "start.json"), Report.Json(result));
    await File.WriteAllTextAsync(Path.Join(options.Results, "start.md"), Report.Table(result));
    Console.WriteLine(Report.Json(result));
    Console.WriteLine(Report.Table(result));
    return 0;
}
catch (Exception failure) when (failure is ArgumentException or InvalidOperationException or IOException or TimeoutException)
{
    Console.Error.WriteLine($"bench: {failure.Message}");
    return 1;
}
