using Lamina.Engine;
using Lamina.Testing.Checker;
using Lamina.Testing.Engine;
using Lamina.Tests.Integration.Engine;

namespace Lamina.Tests.Integration.Checker;

/// <summary>The checker guest sees what is done to its disk and its memory; here by its serial line.</summary>
public class CheckerGuestTests
{
    [Fact]
    public async Task It_finds_its_records_again_and_misses_those_that_an_older_disk_lacks()
    {
        await using var host = new EngineHost();
        string disk = await host.ImageAsync("disk.raw", "raw"), older = Path.Combine(host.Folder, "older.raw");
        var first = await RunAsync(host, disk, CheckerRecord.Empty, record => record.Written >= 20 && record.Last!.Word.Sweeps > 0);
        File.Copy(disk, older);
        var second = await RunAsync(host, disk, first, record => record.Runs.Count == 2 && record.Written >= first.Written + 20);
        Assert.Empty(second.Findings);
        Assert.InRange(second.Last!.Word.Found, first.Written, second.Written);

        File.Copy(older, disk, overwrite: true);
        var third = await RunAsync(host, disk, second, record => record.Runs.Count == 3);
        Assert.Equal(CheckerVerdict.LostWrite, Assert.Single(third.Findings).Verdict);
    }

    [Theory]
    [InlineData("page", CheckerVerdict.LostPage)]
    [InlineData("slot", CheckerVerdict.TornWrite)]
    public async Task It_finds_what_was_spoiled(string fault, CheckerVerdict expected)
    {
        await using var host = new EngineHost();
        string disk = await host.ImageAsync("disk.raw", "raw");
        var record = await RunAsync(host, disk, CheckerRecord.Empty, record => record.Findings.Count > 0, fault);
        Assert.Equal(expected, Assert.Single(record.Findings).Verdict);
    }

    /// <summary>Boots the guest, hears it until it is so, and kills it.</summary>
    private static async Task<CheckerRecord> RunAsync(EngineHost host, string disk, CheckerRecord record, Func<CheckerRecord, bool> isSo, string? fault = null)
    {
        var media = await CheckerMedia.GetAsync(host.Deadline);
        var settings = new CheckerSettings { Id = "guest", SerialMs = 100, WritesPerSecond = 20, Slots = 64, Fault = fault };
        var definition = await host.BareAsync() with
        {
            MemoryMiB = 128,
            Video = new VideoDefinition { Model = VideoModel.None },
            Disks = [new DiskDefinition { Slot = 0, Path = disk, Format = DiskFormat.Raw }],
            Kernel = new KernelDefinition { KernelPath = media.Kernel, InitrdPath = media.Initrd, CommandLine = settings.CommandLine },
        };
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        var serial = vm.Serial.Attach(withHistory: true);
        await vm.ContinueAsync(permit: null, host.Deadline);
        string rest = "";
        for (var at = TimeSpan.Zero; !isSo(record); at += TimeSpan.FromSeconds(1))
        {
            string[] lines = (rest + await serial.WaitForAsync("\n", host.Deadline)).Split('\n');
            rest = lines[^1];
            foreach (var word in lines[..^1].Select(CheckerWord.Parse).OfType<CheckerWord>()) record = record.Hear(new CheckerArrival(at, "serial", word));
        }

        await vm.KillAsync(host.Deadline);
        return record;
    }
}
