namespace Lamina.Bench;

/// <summary>One run from an empty installation to its figures; nothing stays on the machine.</summary>
internal static class Bench
{
    /// <summary>Gives a bench its folder, which is gone afterwards.</summary>
    public static async Task<T> InFolderAsync<T>(Func<string, Task<T>> work)
    {
        // Short, since sockets lie below it; and on a disk, since that is what both sides' files are on in earnest.
        string folder = Directory.CreateDirectory("/var/tmp/lamina-bench").FullName;
        try
        {
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
            return await work(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The same for a bench that gives nothing back.</summary>
    public static Task InFolderAsync(Func<string, Task> work) => InFolderAsync(async folder =>
    {
        await work(folder);
        return true;
    });

    public static async Task StartAsync(BenchOptions options)
    {
        var result = await InFolderAsync(folder => RunAsync(options, folder));
        await Report.WriteAsync(options.Results, "start", Report.Json(result), Report.Table(result));
    }

    private static async Task<BenchResult> RunAsync(BenchOptions options, string folder)
    {
        string before = Load();
        await using var daemon = new BenchDaemon(options.Programs, folder);
        await daemon.StartAsync();
        long idleKiB = await daemon.IdleResidentAsync();
        var lamina = new LaminaGuest(daemon.Client, "bench", LaminaGuest.DefaultMemoryMiB);
        await using var bare = new BareGuest(options.Scripts, Path.Join(folder, "bare"));
        string machineType = await PrepareAsync(daemon, lamina, [bare], folder);
        await using var libvirt = await LibvirtGuest.OpenAsync(options.Scripts, Path.Join(folder, "libvirt"), machineType);
        var starts = await new StartMeasurement(lamina, bare, libvirt, options).MeasureAsync();

        var figures = new DaemonMeasurement(daemon, options);
        await lamina.LaunchAsync();
        var vmList = await figures.ListAsync();
        await lamina.StopAsync();
        await lamina.DeleteAsync();
        return new BenchResult
        {
            At = TimeProvider.System.GetUtcNow(),
            Launch = starts.Launch,
            Start = starts.Start,
            Virsh = starts.Virsh,
            TimesFasterThanVirsh = starts.Virsh.Median / starts.Start.Lamina.Median,
            Daemon = await figures.MeasureAsync(idleKiB, vmList),
            Machine = await MachineAsync(before),
        };
    }

    /// <returns>The guest's machine type.</returns>
    public static async Task<string> PrepareAsync(BenchDaemon daemon, LaminaGuest lamina, IReadOnlyList<BareGuest> bares, string folder)
    {
        string image = Path.Join(folder, "image.qcow2");
        await Run.OutputAsync("qemu-img", "create", "-q", "-f", "qcow2", image, "1G");
        await daemon.CliAsync("image", "import", image, "--name", LaminaGuest.Image, "--no-cloud-init");
        string tables = await BareGuest.CopyTablesAsync($"lamina_{await daemon.NumberAsync()}");
        await lamina.LaunchAsync();
        string[] arguments = [.. (await lamina.QemuArgumentsAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        foreach (var bare in bares) await bare.PrepareAsync(arguments, $"lamina-{BenchDaemon.InstanceName}/{(await lamina.ShowAsync()).Id}", tables);
        await lamina.StopAsync();
        await lamina.DeleteAsync();
        return arguments[Array.IndexOf(arguments, "-machine") + 1].Split(',')[0];
    }

    public static async Task<Machine> MachineAsync(string loadBefore) => new(
        (await File.ReadAllLinesAsync("/proc/cpuinfo")).First(line => line.StartsWith("model name", StringComparison.Ordinal)).Split(": ")[1],
        Environment.ProcessorCount,
        (await Run.OutputAsync("uname", "-r")).Trim(),
        (await Run.OutputAsync("qemu-system-x86_64", "--version")).Split('\n')[0].Replace("QEMU emulator version ", "", StringComparison.Ordinal),
        File.Exists("/usr/bin/virsh") ? (await Run.OutputAsync("virsh", "--version")).Trim() : "-",
        loadBefore,
        Load());

    public static string Load() => string.Join(", ", File.ReadAllText("/proc/loadavg").Split(' ')[..3]);
}
