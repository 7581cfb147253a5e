using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Testing.Engine;
using Lamina.Testing.Media;

namespace Lamina.Tests.Integration.Engine;

/// <summary>Systems that nobody here made run on the machine that the command line makes: BIOS, UEFI, floppy, CD, kernel.</summary>
public partial class MediaTests
{
    [Fact]
    public async Task FreeDOS_boots_from_a_floppy()
    {
        Assert.SkipWhen(ReadyMedia.FreeDosFloppy == null, ReadyMedia.FreeDosAbsent);
        await using var host = new EngineHost();
        var floppy = Path.Combine(host.Folder, "freedos.img");
        File.Copy(ReadyMedia.FreeDosFloppy!, floppy);
        await using var vm = await RunAsync(host, await OnPcAsync(host) with { Floppy = new FloppyDefinition { Path = floppy, BootIndex = 1 } });
        await ShowsAsync(vm, "FreeDOS", host.Deadline);
    }

    [Fact]
    public async Task GRUB_boots_from_a_CD_of_a_PC_without_a_floppy()
    {
        await using var host = new EngineHost();
        await using var vm = await RunAsync(host, await OnPcAsync(host) with
        {
            Cdroms = [new CdromDefinition { Slot = 0, Path = ReadyMedia.GrubRescueIso, BootIndex = 1 }],
        });
        await ShowsAsync(vm, "GRUB", host.Deadline);
    }

    [Fact]
    public async Task Memtest_boots_from_a_CD()
    {
        await using var host = new EngineHost();
        await using var vm = await RunAsync(host, await host.BareAsync() with
        {
            Cdroms = [new CdromDefinition { Slot = 0, Path = ReadyMedia.Memtest, BootIndex = 1 }],
        });
        await ShowsAsync(vm, "Memtest86+", host.Deadline);
    }

    [Fact]
    public async Task A_disk_boots_under_UEFI()
    {
        await using var host = new EngineHost();
        var capabilities = await host.Engine.ProbeAsync(host.Deadline);
        Assert.NotNull(capabilities.Uefi);
        var nvram = Path.Combine(host.Folder, "nvram");
        File.Copy(capabilities.Uefi.VarsTemplatePath, nvram);
        var media = await SmallLinux.GetAsync(host.Deadline);
        await using var vm = await RunAsync(host, await host.BareAsync() with
        {
            MemoryMiB = 256,
            Firmware = new FirmwareDefinition { Kind = FirmwareKind.Uefi, CodePath = capabilities.Uefi.CodePath, NvramPath = nvram },
            Disks = [await OverlayAsync(host, media.Disk)],
        });
        await vm.Serial.WaitForAsync(SmallLinux.Ready, host.Deadline);
    }

    [Fact]
    public async Task A_disk_boots_under_BIOS_and_finds_its_devices_where_they_belong()
    {
        await using var host = new EngineHost();
        var media = await SmallLinux.GetAsync(host.Deadline);
        await using var vm = await RunAsync(host, await host.BareAsync() with
        {
            MemoryMiB = 256,
            Disks =
            [
                await OverlayAsync(host, media.Disk),
                new DiskDefinition { Slot = 17, Path = await host.ImageAsync("data", "raw"), Format = DiskFormat.Raw, Bus = DiskBus.Scsi, Serial = "data17" },
            ],
            Cdroms = [new CdromDefinition { Slot = 2, Path = ReadyMedia.GrubRescueIso }],
            Nics = [new NicDefinition { Slot = 1, Mac = "52:54:00:00:00:01", Mtu = 1450 }],
        });
        var console = vm.Serial.Attach(withHistory: true);
        await console.WaitForAsync(SmallLinux.Address, host.Deadline);
        await console.WriteAsync("cat /sys/class/net/eth0/mtu; ls -l /sys/block /sys/class/net; echo END-$((1+1))\n"u8.ToArray(), host.Deadline);
        var listing = await console.WaitForAsync("END-2", host.Deadline);
        // NIC 1 is on root port 02.1, disk 0 on 03.0, the SCSI controller at 08.0: disk 17 is target 25, CD 2 target 2.
        foreach (var place in new[] { "1450", "0000:00:02.1/", "0000:00:03.0/", "0000:00:08.0/", ":0:25:0/", ":0:2:0/" })
            Assert.Contains(place, listing, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Debians_installer_starts_from_its_kernel()
    {
        await using var host = new EngineHost();
        await using var vm = await RunAsync(host, await host.BareAsync() with
        {
            MemoryMiB = 1024,
            TbSizeMiB = 128,
            Video = new VideoDefinition { Model = VideoModel.None },
            Kernel = new KernelDefinition
            {
                KernelPath = ReadyMedia.InstallerKernel, InitrdPath = ReadyMedia.InstallerInitrd, CommandLine = "console=ttyS0 DEBIAN_FRONTEND=text",
            },
        });
        await vm.Serial.WaitForAsync("Select a language", host.Deadline);
    }

    private static async Task<IVm> RunAsync(EngineHost host, VmDefinition definition)
    {
        var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        await vm.ContinueAsync(permit: null, host.Deadline);
        return vm;
    }

    private static async Task<VmDefinition> OnPcAsync(EngineHost host) => await host.BareAsync() with
    {
        MachineType = (await host.Engine.ProbeAsync(host.Deadline)).DefaultPcMachineType, AgentChannel = false, Rng = false,
        Balloon = new BalloonDefinition { Enabled = false },
    };

    private static async Task<DiskDefinition> OverlayAsync(EngineHost host, string image) => new()
    {
        Slot = 0, Path = await host.ImageAsync("overlay", "qcow2", image), Format = DiskFormat.Qcow2, BootIndex = 1,
        Backing = [new DiskFile { Path = image, Format = DiskFormat.Qcow2 }],
    };

    /// <summary>Looks at the VGA text screen until it shows the words.</summary>
    private static async Task ShowsAsync(IVm vm, string words, CancellationToken cancellationToken)
    {
        var screen = "";
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (!screen.Contains(words, StringComparison.Ordinal))
        {
            try
            {
                await tick.WaitForNextTickAsync(cancellationToken);
                screen = await ReadScreenAsync(vm, cancellationToken);
            }
            catch (OperationCanceledException exception)
            {
                throw new TimeoutException($"The screen never showed \"{words}\" but: {screen}", exception);
            }
        }
    }

    // 80 x 25 characters, each beside its colour, as the monitor's memory dump writes them.
    private static async Task<string> ReadScreenAsync(IVm vm, CancellationToken cancellationToken)
    {
        var dump = await vm.ExecuteAsync(HumanMonitorCommand, new HumanMonitorArguments { CommandLine = "xp /4000xb 0xb8000" }, cancellationToken);
        var bytes = HexByte().Matches(dump).Select(match => byte.Parse(match.ValueSpan[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
        return Encoding.Latin1.GetString([.. bytes.Where((_, index) => index % 2 == 0)]);
    }

    private static readonly QmpCommand<HumanMonitorArguments, string> HumanMonitorCommand =
        new("human-monitor-command", MediaJson.Default.HumanMonitorArguments, MediaJson.Default.String);

    [GeneratedRegex("0x[0-9a-f]{2}(?![0-9a-f])")]
    private static partial Regex HexByte();
}

internal sealed record HumanMonitorArguments
{
    [JsonPropertyName("command-line")]
    public required string CommandLine { get; init; }
}

[JsonSerializable(typeof(HumanMonitorArguments))]
[JsonSerializable(typeof(string))]
internal sealed partial class MediaJson : JsonSerializerContext;
