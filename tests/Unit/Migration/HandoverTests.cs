using Lamina.Api;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>Two hosts on one store, with engines that play QEMU's part: a VM goes over, or stays, and runs once.</summary>
public class HandoverTests
{
    [Fact]
    public async Task ARunningGuestGoesOverAndBack()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        await HostPair.SucceedAsync(pair.First, await pair.First.MigrateAsync(id, pair.Second));
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.MigrateAsync(id, pair.First));
        await pair.AssertAtRestAsync(id, pair.First, epoch: 3);

        // And each is in the hands of its new host's plan.
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(id, VmOperations.Pause, PowerWanted.Paused));
    }
}
