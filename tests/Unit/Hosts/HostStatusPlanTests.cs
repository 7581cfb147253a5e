using Lamina.Api;
using Lamina.Engine;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Testing;

namespace Lamina.Tests.Unit.Hosts;

public sealed class HostStatusPlanTests : IDisposable
{
    private static readonly MachineFacts Machine = new() { Name = "server1", KernelVersion = "6.1", CpuModel = "EPYC", Cores = 8, MemoryMiB = 32768 };

    private static readonly EngineCapabilities Found = new()
    {
        Binary = "/usr/bin/qemu-system-x86_64",
        Version = "7.2.22",
        Accelerator = Lamina.Engine.Accelerator.Tcg,
        AcceleratorReason = "no AMD-V here",
        DefaultMachineType = "pc-q35-7.2",
        DefaultPcMachineType = "pc-i440fx-7.2",
        MachineTypes = ["pc-q35-7.2"],
        DefaultCpuModel = "Westmere-v1",
        CpuModels = [],
        MaxCpus = 288,
    };

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void ADamagedIdentityIsNeverReplaced()
    {
        File.WriteAllText(_folder.File(HostIdentity.FileName), "{");
        Assert.Equal("host.identityInvalid", Assert.Throws<ProblemException>(() => HostIdentity.Open(_folder.Path)).Code);
        Assert.Equal("{", File.ReadAllText(_folder.File(HostIdentity.FileName)));
    }

    [Fact]
    public void TheIdentityOutlivesARestart()
    {
        var first = HostIdentity.Open(_folder.Path);
        Assert.Equal(first.Incarnation, HostIdentity.Open(_folder.Path).Incarnation);
        Assert.StartsWith(first.BootId, first.Incarnation, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoDataFoldersAreTwoHosts()
    {
        using var other = new TemporaryFolder();
        var (first, second) = (HostIdentity.Open(_folder.Path), HostIdentity.Open(other.Path));
        Assert.NotEqual(first.Id, second.Id);
        Assert.NotEqual(first.Incarnation, second.Incarnation);
    }

    [Theory]
    [InlineData("", "host")]
    [InlineData("---", "host")]
    [InlineData("Server1.example.org", "server1")]
    [InlineData("my_server", "my-server")]
    public void AHostNameBecomesALabel(string hostName, string label) => Assert.Equal(label, MachineFacts.LabelOf(hostName));

    [Fact]
    public void WhatAnEarlierStartLearnedStaysUntilTheProbe()
    {
        var former = HostStatusPlan.Probed(AtStart(null), Found, []);
        Assert.Equal("7.2.22", AtStart(former).QemuVersion);
        Assert.Equal(AcceleratorKind.Tcg, AtStart(former).Accelerator!.Kind);
    }

    [Fact]
    public void AMissingEngineTakesItsFactsAway()
    {
        var status = HostStatusPlan.NotProbed(HostStatusPlan.Probed(AtStart(null), Found, []), new Failure { Code = "host.noEngine", Message = "gone" });
        Assert.Null(status.QemuVersion);
        Assert.Null(status.Accelerator);
        Assert.Null(HostStatusPlan.Probed(status, Found, []).Failure);
    }

    [Fact]
    public void AnIdleHostWritesNothing()
    {
        var status = AtStart(null);
        Assert.Null(HostStatusPlan.Change(State("server1", status), "id", "server1", status));
    }

    [Fact]
    public void ANewHostTakesItsName()
    {
        var writes = HostStatusPlan.Change(CacheSnapshot.Empty(Keys.Cached), "id", "server1", AtStart(null))!.ToTransaction();
        Assert.Equal(3, writes.Writes.Count);
        Assert.Contains(writes.Compares, compare => compare.Key == "names/-/host/server1");
    }

    [Fact]
    public void ARenamedHostGivesItsOldNameBack()
    {
        var status = AtStart(null);
        var transaction = HostStatusPlan.Change(State("old", status), "id", "server1", status)!.ToTransaction();
        Assert.Contains(transaction.Writes, write => write is Lamina.Server.Store.StoreWrite.Delete { Key: "names/-/host/old" });
    }

    public void Dispose() => _folder.Dispose();

    private static HostStatus AtStart(HostStatus? former) => HostStatusPlan.AtStart(
        new HostIdentity { Id = "id", Nonce = "nonce", BootId = "boot" }, Machine, former, "0.1.0");

    private static CacheSnapshot State(string name, HostStatus status) => CacheSnapshot.Empty(Keys.Cached).With(1,
    [
        new CacheChange(Keys.Hosts.Spec, "id", null, new CachedRecord<HostSpec>("id", new HostSpec { Name = name }, 1, 1)),
        new CacheChange(Keys.Hosts.Status, "id", null, new CachedRecord<HostStatus>("id", status, 1, 1)),
    ]);
}
