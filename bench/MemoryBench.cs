using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Linux.Processes;

namespace Lamina.Bench;

/// <summary>What became of the memory that a guest filled and freed. Bytes; seconds from the guest's word that it has freed it.</summary>
internal sealed record FreedMemory
{
    /// <summary>Of the guest's memory, resident on the host when it was full.</summary>
    public required long FilledBytes { get; init; }

    /// <summary>What the guest itself uses after it: all of its memory, that of its kernel too, but what it says is free.</summary>
    public required long UsedBytes { get; init; }

    /// <summary>Resident on the host 10 s after it.</summary>
    public required long AfterBytes { get; init; }
    public required double Ratio { get; init; }

    /// <summary>When resident had come below 1.1 times of what the guest uses; null: not in 10 s.</summary>
    public double? ReachedSeconds { get; init; }

    /// <summary>Every half second.</summary>
    public required IReadOnlyList<long> Course { get; init; }
}

/// <summary>All that a run of <c>./dev bench memory</c> found out.</summary>
internal sealed record MemoryResult
{
    public required DateTimeOffset At { get; init; }
    public required Machine Machine { get; init; }
    public required IReadOnlyList<FreedMemory> Lamina { get; init; }

    /// <summary>The guest reports free memory in single pages, not only in pieces of 2 MiB.</summary>
    public required IReadOnlyList<FreedMemory> FineLamina { get; init; }
    public required IReadOnlyList<FreedMemory> Bare { get; init; }

    /// <summary>A guest of the image given by <c>--image</c>, as that image is.</summary>
    public IReadOnlyList<FreedMemory> Image { get; init; } = [];
}

/// <summary>A guest of 512 MiB fills 300 MiB and frees them: how fast the host has them back, under Lamina and under QEMU as its own defaults are.</summary>
internal static partial class MemoryBench
{
    private const int MemoryMiB = 512;
    private const int ImageMemoryMiB = 1024;
    private const int Rounds = 3;
    private const double Wanted = 1.1;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan BootPatience = TimeSpan.FromMinutes(12);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private const int Samples = 20;

    private static string Script(string round = "") =>
        $"mkdir -p /t; mount -t tmpfs -o size=400m t /t; head -c 314572800 /dev/zero > /t/x; echo MEMORY-FILLED{round}; sleep 5; rm /t/x; echo MEMORY-FREED{round}; sleep 10; grep MemFree /proc/meminfo; echo MEMORY-DONE{round}";

    /// <summary>
    /// Of the guest's kernel (mm/page_reporting.c): the least piece of free memory that it reports, as a power of two of pages. What stands for it on the
    /// kernel's command line is overwritten by the driver in Linux 6.1.
    /// </summary>
    private const string FineReporting = "echo 0 > /sys/module/page_reporting/parameters/page_reporting_order; ";

    private static string CommandLine(string before = "") => $"console=ttyS0 quiet run64={Convert.ToBase64String(Encoding.UTF8.GetBytes(before + Script()))}";

    public static Task RunAsync(BenchOptions options) => Bench.InFolderAsync(async folder =>
    {
        string before = Bench.Load();
        await using var daemon = new BenchDaemon(options.Programs, folder);
        await daemon.StartAsync();
        await daemon.CliAsync("iso", "upload", Path.Join(options.Media, "vmlinuz"), "--name", "bench-kernel", "--kind", "kernel");
        await daemon.CliAsync("iso", "upload", Path.Join(options.Media, "initrd.gz"), "--name", "bench-initrd", "--kind", "initrd");
        var (lamina, fine, bare) = (new List<FreedMemory>(), new List<FreedMemory>(), new List<FreedMemory>());
        for (int round = 0; round < Rounds; round++)
        {
            lamina.Add(await UnderLaminaAsync(daemon.Client, $"memory-{round}", CommandLine()));
            fine.Add(await UnderLaminaAsync(daemon.Client, $"fine-{round}", CommandLine(FineReporting)));
            bare.Add(await UnderQemuAsync(options.Media, folder));
            Console.Error.WriteLine($"round {round}: {lamina[^1].Ratio:0.00} {fine[^1].Ratio:0.00} {bare[^1].Ratio:0.00}");
        }

        var image = options.Image.Length > 0 ? await OfImageAsync(daemon, options.Image) : [];
        var result = new MemoryResult { At = TimeProvider.System.GetUtcNow(), Lamina = lamina, FineLamina = fine, Bare = bare, Image = image, Machine = await Bench.MachineAsync(before) };
        await Report.WriteAsync(options.Results, "memory", JsonSerializer.Serialize(result, BenchJson.Default.MemoryResult) + "\n", Table(result));
    });

    private static async Task<FreedMemory> UnderLaminaAsync(LaminaClient client, string name, string commandLine)
    {
        await FinishAsync(client, await client.Vms.CreateAsync(
            new VmCreate
            {
                Name = name, MemoryMiB = MemoryMiB, Nics = [], Start = true,
                Kernel = new VmKernel { Kernel = "bench-kernel", Initrd = "bench-initrd", CommandLine = commandLine },
            },
            CancellationToken.None));
        string id = (await client.Vms.GetAsync(name, CancellationToken.None)).Value.Id;
        int process = ProcessOf(id);
        var freed = await MeasureAsync(process, () => SerialAsync(client, name));
        await FinishAsync(client, await client.Vms.DeleteAsync(name, force: true, CancellationToken.None));
        return freed;
    }

    /// <summary>Boots once, with cloud-init, and fills and frees several times.</summary>
    private static async Task<List<FreedMemory>> OfImageAsync(BenchDaemon daemon, string path)
    {
        const string Name = "memory-image";
        var client = daemon.Client;
        await daemon.CliAsync("image", "import", path, "--name", Name);
        string rounds = string.Join("\n", Enumerable.Range(0, Rounds).Select(round => $"{Script($"-{round}")}; umount /t"));
        await FinishAsync(client, await client.Vms.CreateAsync(
            new VmCreate
            {
                Name = Name, MemoryMiB = ImageMemoryMiB, Disks = [new VmDiskCreate { Image = Name }], Start = true,
                CloudInit = new CloudInitCreate { UserData = $"#!/bin/sh\nexec > /dev/ttyS0 2>&1\nsleep 20\n{rounds}\n" },
            },
            CancellationToken.None));
        int process = ProcessOf((await client.Vms.GetAsync(Name, CancellationToken.None)).Value.Id);
        var freed = new List<FreedMemory>();
        for (int round = 0; round < Rounds; round++)
        {
            freed.Add(await MeasureAsync(process, () => SerialAsync(client, Name), $"-{round}", ImageMemoryMiB));
            Console.Error.WriteLine($"image {round}: {freed[^1].Ratio:0.00}");
        }

        await FinishAsync(client, await client.Vms.DeleteAsync(Name, force: true, CancellationToken.None));
        return freed;
    }

    private static async Task<string> SerialAsync(LaminaClient client, string vm)
    {
        using var history = new MemoryStream();
        await client.Vms.CopySerialHistoryAsync(vm, history, CancellationToken.None);
        return Encoding.UTF8.GetString(history.ToArray());
    }

    private static async Task<FreedMemory> UnderQemuAsync(string media, string folder)
    {
        string serial = Path.Join(folder, "serial");
        using var qemu = ChildProcess.Spawn(new ChildSpec
        {
            Program = "qemu-system-x86_64",
            Arguments =
            [
                "-M", "q35,memory-backend=ram0", "-accel", "tcg,thread=multi,tb-size=128", "-m", $"{MemoryMiB}", "-object", $"memory-backend-memfd,id=ram0,size={MemoryMiB}M,share=on",
                "-nodefaults", "-display", "none", "-serial", $"file:{serial}", "-device", "virtio-balloon-pci",
                "-kernel", Path.Join(media, "vmlinuz"), "-initrd", Path.Join(media, "initrd.gz"), "-append", CommandLine(),
            ],
        });
        try
        {
            return await MeasureAsync(qemu.ProcessId, async () => File.Exists(serial) ? await File.ReadAllTextAsync(serial) : "");
        }
        finally
        {
            qemu.Send(Signal.Kill);
            await qemu.WaitForExitAsync(CancellationToken.None);
            File.Delete(serial);
        }
    }

    private static async Task<FreedMemory> MeasureAsync(int process, Func<Task<string>> serial, string round = "", int memoryMiB = MemoryMiB)
    {
        await ComesAsync(serial, $"MEMORY-FILLED{round}", BootPatience);
        long filled = Resident(process);
        await ComesAsync(serial, $"MEMORY-FREED{round}", Patience);
        long freed = TimeProvider.System.GetTimestamp();
        var course = new List<long>();
        for (int sample = 1; sample <= Samples; sample++)
        {
            var due = (sample * Pause) - TimeProvider.System.GetElapsedTime(freed);
            if (due > TimeSpan.Zero) await Task.Delay(due);
            course.Add(Resident(process));
        }

        string said = await ComesAsync(serial, $"MEMORY-DONE{round}", Patience);
        long used = ((long)memoryMiB << 20) - (1024 * Number(said[..said.LastIndexOf("MEMORY-DONE", StringComparison.Ordinal)], "MemFree"));
        int reached = course.FindIndex(bytes => bytes <= Wanted * used);
        return new FreedMemory
        {
            FilledBytes = filled,
            UsedBytes = used,
            AfterBytes = course[^1],
            Ratio = (double)course[^1] / used,
            ReachedSeconds = reached < 0 ? null : (reached + 1) * Pause.TotalSeconds,
            Course = course,
        };
    }

    private static async Task<string> ComesAsync(Func<Task<string>> serial, string word, TimeSpan patience)
    {
        long begun = TimeProvider.System.GetTimestamp();
        while (true)
        {
            string said = await serial();
            if (said.Contains(word, StringComparison.Ordinal)) return said;
            if (TimeProvider.System.GetElapsedTime(begun) > patience) throw new InvalidOperationException($"the guest has not said {word}: {said}");
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }

    private static long Resident(int process) => ProcessMemory.Read(process)?.SharedBytes ?? throw new InvalidOperationException("the guest has ended");

    private static int ProcessOf(string vmId) => Linux.Cgroups.CgroupManager.Detect($"lamina-{BenchDaemon.InstanceName}").ReadMembers(vmId)[0];

    private static long Number(string said, string name) =>
        long.Parse(Regex.Match(said, $@"{name}:\s+(\d+) kB", RegexOptions.RightToLeft).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    private static async Task FinishAsync(LaminaClient client, Operation operation)
    {
        var ended = await client.Operations.WaitAsync(operation.Id, null, CancellationToken.None);
        if (ended.State is not { Phase: OperationPhase.Succeeded }) throw new InvalidOperationException($"{ended.Request.Kind} has ended as {ended.State?.Phase}: {ended.State?.Failure?.Message}");
    }

    private static string Table(MemoryResult result)
    {
        var text = new StringBuilder("# ./dev bench memory\n\n");
        Report.Heading(text, result.At, result.Machine);
        text.Append("| | resident when filled | guest uses after it | resident 10 s after it | ratio | below 1.1 after |\n|---|---|---|---|---|---|\n");
        foreach (var (what, runs) in new[] { ("Lamina", result.Lamina), ("Lamina, guest reports single pages", result.FineLamina), ("Lamina, debian/12 as it is built", result.Image), ("QEMU by its defaults", result.Bare) })
        {
            foreach (var run in runs)
                text.Append(CultureInfo.InvariantCulture, $"| {what} | {run.FilledBytes >> 20} MiB | {run.UsedBytes >> 20} MiB | {run.AfterBytes >> 20} MiB | {run.Ratio:0.00} | {(run.ReachedSeconds is { } seconds ? $"{seconds.ToString("0.0", CultureInfo.InvariantCulture)} s" : "never")} |\n");
        }

        text.Append("\n| figure | measured | to reach | |\n|---|---|---|---|\n");
        foreach (var (what, runs) in new[] { ("as guests are", result.Lamina), ("guest reports single pages", result.FineLamina), ("debian/12 as it is built", result.Image) })
        {
            if (runs.Count == 0) continue;
            double worst = runs.Max(run => run.Ratio);
            Report.Figure(text, $"resident 10 s after the guest freed, by what it uses, worst of the runs; {what}", worst.ToString("0.00", CultureInfo.InvariantCulture), "≤ 1.1", worst <= Wanted);
        }

        text.Append("""

            How: a Linux guest of 512 MiB writes 300 MiB into a tmpfs and deletes them, in turn under Lamina (virtio balloon with free page reporting) and under QEMU with the same memory
            backend and a balloon as its defaults are. Resident: RssShmem of QEMU, which is the guest's memory alone. Used: its 512 MiB less MemFree, read in the guest at the end.
            A Linux guest reports free memory in pieces of 2 MiB and leaves smaller ones out, unless it is told otherwise: `echo 0 > /sys/module/page_reporting/parameters/page_reporting_order`.
            The image debian/12 tells it so by a udev rule; its guest has 1 GiB, boots with systemd and cloud-init, and fills and frees three times in the same boot.

            """);
        return text.ToString();
    }
}
