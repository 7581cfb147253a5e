using System.Runtime.CompilerServices;
using Lamina.Engine;
using Lamina.Engine.Qemu;

namespace Lamina.Tests.Unit.Engine.Qemu;

/// <summary>
/// Definition in, command line out, both checked in: golden/*.txt, one argument per line. After a wanted change run the tests once
/// with LAMINA_UPDATE_GOLDEN=1 and read the difference.
/// </summary>
public class QemuArgumentsTests
{
    public static TheoryData<string> ScenarioNames => [.. Scenarios.All.Keys];

    [Theory]
    [MemberData(nameof(ScenarioNames))]
    public void The_command_line_is_the_golden_one(string scenario)
    {
        var definition = Scenarios.All[scenario];
        var actual = Render(definition);
        var path = Path.Combine(GoldenFolder(), scenario + ".txt");
        if (Environment.GetEnvironmentVariable("LAMINA_UPDATE_GOLDEN") == "1") File.WriteAllText(path, actual);
        Assert.Equal(File.ReadAllText(path), actual);
    }

    [Fact]
    public void No_golden_file_is_left_without_its_scenario() =>
        Assert.Equal(Scenarios.All.Keys.Order(), Directory.GetFiles(GoldenFolder()).Select(Path.GetFileNameWithoutExtension).Order());

    [Fact]
    public void Offloads_that_follow_the_hosts_kernel_are_switched_off_where_QEMU_knows_them()
    {
        var definition = Scenarios.All["q35-bios-tcg"];
        var arguments = QemuArguments.Build(definition, QemuFiles.Of(definition), new QemuFeatures { VirtioNetUso = true });
        Assert.Contains(arguments, argument => argument.EndsWith(",host_mtu=1450,host_uso=off,guest_uso4=off,guest_uso6=off", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(ScenarioNames))]
    public void No_path_of_the_host_reaches_QEMU(string scenario)
    {
        var definition = Scenarios.All[scenario];
        var arguments = QemuArguments.Build(definition, QemuFiles.Of(definition), new QemuFeatures());
        Assert.DoesNotContain(arguments, argument => argument.Contains("/var/", StringComparison.Ordinal)
            || argument.Contains("/usr/", StringComparison.Ordinal) || argument.Contains("/boot/", StringComparison.Ordinal)
            || argument.Contains("/run/", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(ScenarioNames))]
    public void No_two_devices_share_an_address_or_an_id(string scenario)
    {
        var devices = DeviceOptions(Scenarios.All[scenario]);
        var addresses = devices.Where(options => options.ContainsKey("addr")).Select(options => $"{options["bus"]} {options["addr"]}").ToArray();
        Assert.Equal(addresses.Distinct(), addresses);
        var ids = devices.Select(options => options["id"]).ToArray();
        Assert.Equal(ids.Distinct(), ids);
    }

    [Fact]
    public void Removing_a_device_moves_no_other()
    {
        var whole = Scenarios.All["q35-many-disks"];
        var fewer = whole with { Disks = [whole.Disks[2]], Nics = [whole.Nics[1]], Cdroms = [], Rng = false };
        var before = DeviceOptions(whole).ToDictionary(options => options["id"]);
        foreach (var device in DeviceOptions(fewer))
        {
            var old = before[device["id"]];
            Assert.Equal((old.GetValueOrDefault("bus"), old.GetValueOrDefault("addr")), (device.GetValueOrDefault("bus"), device.GetValueOrDefault("addr")));
        }
    }

    [Fact]
    public void What_is_plugged_has_the_address_that_it_has_after_the_next_start()
    {
        var definition = Scenarios.All["q35-after-hotplug"];
        var layout = MachineLayout.Of(definition);
        var started = DeviceOptions(definition).ToDictionary(options => options["id"]);
        var plugged = definition.Disks.Select(disk => QemuDevices.Disk(disk, layout)).Concat(definition.Nics.Select(nic => QemuDevices.Nic(nic, layout, new QemuFeatures())));
        foreach (var device in plugged.Select(device => device.ToArguments()))
        {
            var options = started[device.Id];
            Assert.Equal(options["bus"], device.Bus);
            foreach (var (name, value) in device.Options!) Assert.Equal(options[name], value.ToString());
        }
    }

    private static List<Dictionary<string, string>> DeviceOptions(VmDefinition definition)
    {
        var arguments = QemuArguments.Build(definition, QemuFiles.Of(definition), new QemuFeatures());
        return [.. arguments.Zip(arguments.Skip(1)).Where(pair => pair.First == "-device").Select(pair => Options(pair.Second))];
    }

    private static Dictionary<string, string> Options(string device) =>
        device.Replace(",,", ";", StringComparison.Ordinal).Split(',').Skip(1).Select(option => option.Split('=', 2)).ToDictionary(option => option[0], option => option[1]);

    private static string Render(VmDefinition definition)
    {
        var files = QemuFiles.Of(definition);
        var opened = files.All.Select(file => $"# fd {file.Number}: {file.Role} = {file.Kind} {file.Source}{(file.ReadOnly ? " read-only" : "")}{(file.DirectIo ? " direct" : "")}");
        return string.Join('\n', [.. opened, .. QemuArguments.Build(definition, files, new QemuFeatures()), ""]);
    }

    private static string GoldenFolder([CallerFilePath] string thisFile = "") => Path.Combine(Path.GetDirectoryName(thisFile)!, "golden");
}
