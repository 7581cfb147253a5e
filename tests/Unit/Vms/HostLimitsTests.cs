using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Placement;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Run;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

public class HostLimitsTests
{
    private static readonly PlacementHost Host = new() { Id = "h", Name = "h", MemoryMiB = 2000, Cores = 2, Accelerator = AcceleratorKind.Kvm, CommittedMiB = 0 };

    [Fact]
    public void MemoryIsPromisedOnceAndGivenBack()
    {
        var memory = new HostMemory();
        memory.Promise("a", "a", 1000, Host);
        Assert.Equal("host.memoryFull", Assert.Throws<ProblemException>(() => memory.Promise("b", "b", 1000, Host)).Code);
        memory.Promise("a", "a", 1200, Host);
        Assert.Equal(1200 + 80, memory.CommittedMiB);
        memory.Release("a");
        memory.Promise("b", "b", 1000, Host);
    }

    [Fact]
    public void WhatRunsAlreadyCountsAlsoWhenItWouldNotBeLetIn()
    {
        var memory = new HostMemory();
        memory.Keep("a", 5000, AcceleratorKind.Kvm);
        Assert.Throws<ProblemException>(() => memory.Promise("b", "b", 16, Host));
    }

    [Fact]
    public void UserIdsAreNeverSharedAndComeBack()
    {
        var ids = new VmUserIds([7, 8, 9]);
        ids.Keep(8);
        Assert.Equal([7, 9], [ids.Take(), ids.Take()]);
        Assert.Equal("host.noUserId", Assert.Throws<ProblemException>(() => ids.Take()).Code);
        ids.Release(8);
        Assert.Equal(8, ids.Take());
    }
}
