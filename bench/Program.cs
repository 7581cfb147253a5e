using Lamina.Bench;

try
{
    var options = BenchOptions.Parse(args);
    Directory.CreateDirectory(options.Results);
    if (options.What == "clone")
    {
        var clones = await CloneBench.RunAsync(options);
        await File.WriteAllTextAsync(Path.Join(options.Results, "clone.json"), CloneBench.Json(clones));
        await File.WriteAllTextAsync(Path.Join(options.Results, "clone.md"), CloneBench.Table(clones));
        Console.WriteLine(CloneBench.Table(clones));
        return 0;
    }

    var result = await Bench.RunAsync(options);
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
