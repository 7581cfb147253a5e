namespace Lamina.Server;

/// <summary><c>laminad openapi</c>: the API's description as a build artifact, without serving anything.</summary>
internal static class OpenApiCommand
{
    /// <param name="file">Where to; null: standard output.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="time">The clock.</param>
    public static async Task RunAsync(string? file, TextWriter output, TimeProvider time)
    {
        string document = await DescribeAsync(time);
        if (file is null) await output.WriteAsync(document);
        else await File.WriteAllTextAsync(file, document);
    }

    /// <summary>The document as JSON, ending in a line break. All rooms are wired on an empty store in a folder of its own; none is started.</summary>
    public static async Task<string> DescribeAsync(TimeProvider time)
    {
        string folder = Directory.CreateTempSubdirectory("lamina-").FullName;
        try
        {
            var instance = new InstanceOptions
            {
                Name = "openapi",
                DataDirectory = Path.Combine(folder, "data"),
                RunDirectory = Path.Combine(folder, "run"),
                ConfigurationDirectory = Path.Combine(folder, "etc"),
                LogDirectory = Path.Combine(folder, "log"),
            };
            var options = new DaemonOptions { Instance = instance, Time = time, Registry = Path.Combine(folder, "instances"), Log = _ => { } };
            await using var daemon = await Daemon.OpenAsync(options);
            return await daemon.DescribeApiAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
