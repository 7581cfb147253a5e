using System.Text.Json;
using Lamina.Engine;
using Lamina.Engine.Qemu;
using Lamina.Tests.Unit.Engine.Qemu;

namespace Lamina.Tests.Unit.Engine;

/// <summary>definition.json outlives daemons: what one writes, a later one reads.</summary>
public class RunRecordTests
{
    public static TheoryData<string> ScenarioNames => [.. Scenarios.All.Keys];

    [Theory]
    [MemberData(nameof(ScenarioNames))]
    public void Every_definition_survives_the_file(string scenario)
    {
        var record = Record(Scenarios.All[scenario]);
        var json = JsonSerializer.SerializeToUtf8Bytes(record, EngineJson.Default.RunRecord);
        Assert.Equivalent(record, JsonSerializer.Deserialize(json, EngineJson.Default.RunRecord), strict: true);
    }

    [Fact]
    public void A_record_of_an_older_daemon_gets_the_defaults_of_what_it_lacks()
    {
        const string old = """
            {"definition": {"id": "0f7ad5a0-3b2c-4c55-9b9e-000000000001", "name": "a", "instance": "0", "epoch": 1, "run": 2,
             "machineType": "pc-q35-7.2", "accelerator": "tcg", "cpuModel": "Westmere-v1", "cpus": 1, "maxCpus": 1, "memoryMiB": 64,
             "uid": 200000, "gid": 200000, "runtimeFolder": "/run/x", "disks": [{"slot": 0, "path": "/d", "format": "qcow2"}]},
             "hostBootId": "b", "startedAt": "2026-01-01T00:00:00Z", "arguments": [], "engineVersion": "7.2.22"}
            """;
        var definition = JsonSerializer.Deserialize(old, EngineJson.Default.RunRecord)!.Definition;
        Assert.Equivalent(new VmDefinition
        {
            Id = new Guid("0f7ad5a0-3b2c-4c55-9b9e-000000000001"), Name = "a", Instance = "0", Epoch = 1, Run = 2, MachineType = "pc-q35-7.2",
            Accelerator = Accelerator.Tcg, CpuModel = "Westmere-v1", Cpus = 1, MaxCpus = 1, MemoryMiB = 64, Uid = 200000, Gid = 200000,
            RuntimeFolder = "/run/x", Disks = [new DiskDefinition { Slot = 0, Path = "/d", Format = DiskFormat.Qcow2 }],
        }, definition, strict: true);
    }

    [Fact]
    public void Enums_are_words()
    {
        var json = JsonSerializer.Serialize(Record(Scenarios.All["q35-uefi-cloud-init"]), EngineJson.Default.RunRecord);
        foreach (var word in new[] { "\"accelerator\": \"tcg\"", "\"kind\": \"uefi\"", "\"format\": \"qcow2\"", "\"bus\": \"virtio\"" })
            Assert.Contains(word, json, StringComparison.Ordinal);
    }

    private static RunRecord Record(VmDefinition definition) => new()
    {
        Definition = definition, HostBootId = "boot", StartedAt = DateTimeOffset.UnixEpoch, Arguments = ["qemu", "-S"], EngineVersion = "7.2.22",
    };
}
