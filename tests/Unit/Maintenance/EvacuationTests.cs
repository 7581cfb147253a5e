using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Maintenance;
using Lamina.Server.Migration;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Lamina.Tests.Unit.Migration;
using Xunit;

namespace Lamina.Tests.Unit.Maintenance;

/// <summary>Two hosts on one store: one is emptied, and filled again.</summary>
public class EvacuationTests
{
    [Fact]
    public async Task AHostInMaintenanceIsEmptyAndGetsBackWhatLeftIt()
    {
        await using var pair = await HostPair.CreateAsync();
        var (own, other) = await LaunchAsync(pair, 4);
        Assert.NotEmpty(own);
        await HostPair.SucceedAsync(pair.First, await pair.First.AskHostAsync(EvacuationJob.Enter, pair.First));
        foreach (string id in own) await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        foreach (string id in other) await pair.AssertAtRestAsync(id, pair.Second, epoch: 1);
        Assert.Contains(await pair.First.EventsAsync(own[0]), happened => happened.Kind == "evacuation.move" && happened.Message.Contains("maintenance", StringComparison.Ordinal));

        // Nothing new gets there.
        string late = await pair.Second.LaunchAsync(HostPair.Small with { Name = "late" });
        Assert.Equal(pair.Second.Id, pair.Second.Cache.Snapshot.Get(Keys.Vms.Assignment, late)!.Record.Host);

        await HostPair.SucceedAsync(pair.First, await pair.First.AskHostAsync(EvacuationJob.Exit, pair.First));
        foreach (string id in own) await pair.AssertAtRestAsync(id, pair.First, epoch: 3);
        foreach (string id in other) await pair.AssertAtRestAsync(id, pair.Second, epoch: 1);
        Assert.Empty(pair.First.Cache.Snapshot.All(Keys.Vms.Departure));
    }

    [Fact]
    public async Task WhoeverIsToldToStaySoAtTheExitStays()
    {
        await using var pair = await HostPair.CreateAsync();
        var (own, _) = await LaunchAsync(pair, 2);
        await HostPair.SucceedAsync(pair.First, await pair.First.AskHostAsync(EvacuationJob.Enter, pair.First));
        await HostPair.SucceedAsync(pair.First, await pair.First.AskHostAsync(EvacuationJob.Exit, pair.First, new JsonObject { [EvacuationJob.NoReturnParameter] = true }));
        foreach (string id in own) await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        Assert.Empty(pair.First.Cache.Snapshot.All(Keys.Vms.Departure));
    }

    [Fact]
    public async Task ACancelledEntryLeavesGuestsAloneAndOpensTheHost()
    {
        await using var pair = await HostPair.CreateAsync();
        var (own, _) = await LaunchAsync(pair, 1);
        var guest = pair.FirstEngine.Guest(Guid.Parse(own[0]));
        guest.HoldMigrationAt(MigrationPhase.Active);
        string operation = await pair.First.AskHostAsync(EvacuationJob.Enter, pair.First);
        await guest.ReachedAsync(MigrationPhase.Active, TestContext.Current.CancellationToken);
        await pair.First.CancelAsync(operation);
        Assert.Equal(OperationPhase.Cancelled, (await pair.First.EndOfAsync(operation)).Phase);
        await pair.AssertAtRestAsync(own[0], pair.First, epoch: 1);
        Assert.Null(pair.First.Cache.Snapshot.Get(Keys.Hosts.Spec, pair.First.Id)!.Record.Maintenance);
        Assert.Empty(pair.First.Cache.Snapshot.All(Keys.Vms.Departure));
    }

    [Fact]
    public async Task AGuestThatDoesNotGetThroughIsTriedTwiceAndNamed()
    {
        await using var pair = await HostPair.CreateAsync();
        var (own, _) = await LaunchAsync(pair, 1);
        pair.Wire.Cut();
        var ended = await pair.First.EndOfAsync(await pair.First.AskHostAsync(EvacuationJob.Enter, pair.First));
        Assert.Equal((OperationPhase.Failed, "evacuation.incomplete"), (ended.Phase, ended.Failure?.Code));
        var snapshot = pair.First.Cache.Snapshot;
        Assert.Equal(Evacuees.MostAttempts, snapshot.All(Keys.Operations.Request).Count(request => request.Record.Kind == Migrations.Operation));
        Assert.Equal(Evacuees.MostAttempts, snapshot.Get(Keys.Vms.Departure, own[0])!.Record.Attempts);
        await pair.AssertAtRestAsync(own[0], pair.First, epoch: 1);

        // Asked anew, it is tried anew.
        pair.Wire.Mend();
        await HostPair.SucceedAsync(pair.First, await pair.First.AskHostAsync(EvacuationJob.Enter, pair.First));
        await pair.AssertAtRestAsync(own[0], pair.Second, epoch: 2);
    }

    [Fact]
    public async Task TheNextLeaderGoesOn()
    {
        await using var pair = await HostPair.CreateAsync();
        var (own, _) = await LaunchAsync(pair, 3);
        foreach (string id in own) pair.FirstEngine.Guest(Guid.Parse(id)).HoldMigrationAt(MigrationPhase.Active);
        string operation = await pair.Second.AskHostAsync(EvacuationJob.Enter, pair.First);
        await pair.Second.WaitForAsync([Keys.Vms.Departure], snapshot => snapshot.All(Keys.Vms.Departure).Any());
        await pair.First.RestartDaemonAsync();
        foreach (string id in own) pair.FirstEngine.Guest(Guid.Parse(id)).HoldMigrationAt(null);
        await HostPair.SucceedAsync(pair.Second, operation);
        foreach (string id in own) await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
    }

    [Fact]
    public async Task AnEmptyMachineIsAskedOnceAndTheNextBootKnowsIt()
    {
        await using var pair = await HostPair.CreateAsync();
        var (own, _) = await LaunchAsync(pair, 1);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.AskHostAsync(EvacuationJob.Reboot, pair.First));
        await pair.AssertAtRestAsync(own[0], pair.Second, epoch: 2);
        await pair.First.WaitForAsync([Keys.Operations.State], snapshot => PowerOf(snapshot)?.State?.Message is not null);
        Assert.Equal([HostPowerAction.Reboot], pair.First.AskedOfMachine);
        await pair.First.RestartDaemonAsync("boot-2");
        await HostPair.SucceedAsync(pair.First, PowerOf(pair.First.Cache.Snapshot)!.Id);
        Assert.Equal([HostPowerAction.Reboot], pair.First.AskedOfMachine);
        Assert.NotNull(pair.First.Cache.Snapshot.Get(Keys.Hosts.Spec, pair.First.Id)!.Record.Maintenance);
    }

    [Fact]
    public async Task AGuestThatCannotGoPowersOffWhereThatIsAskedForBeforeTheMachineDoes()
    {
        await using var pair = await HostPair.CreateAsync();
        await HostPair.SucceedAsync(pair.Second, await pair.Second.AskHostAsync(EvacuationJob.Enter, pair.Second));
        string id = await pair.LaunchAsync();
        pair.FirstEngine.Guest(Guid.Parse(id)).OnPowerButton = guest => guest.PowerOff();
        var parameters = new JsonObject { [EvacuationJob.SkipBlockedParameter] = true, [EvacuationJob.StopGuestsParameter] = true };
        await HostPair.SucceedAsync(pair.First, await pair.First.AskHostAsync(EvacuationJob.Shutdown, pair.First, parameters));
        Assert.Equal(StopCause.HostBoot, (await pair.First.StatusAsync(id, status => status.State == VmState.Stopped)).StopCause);
        await pair.First.WaitForAsync([Keys.Operations.State], snapshot => PowerOf(snapshot)?.State?.Message is not null);
        Assert.Equal([HostPowerAction.Shutdown], pair.First.AskedOfMachine);
    }

    [Fact]
    public async Task AGuestThatCanGoNowhereIsNamedBeforeAnythingBegins()
    {
        await using var host = await VmTestHost.CreateAsync(new FakeEngine());
        string id = await host.LaunchAsync(HostPair.Small);
        var snapshot = host.Cache.Snapshot;
        var spec = snapshot.Get(Keys.Hosts.Spec, host.Id)!;
        var refused = Assert.Throws<InputException>(() => MaintenanceRules.CheckLeave(snapshot, spec, withStorage: false, skipBlocked: false, DateTimeOffset.UnixEpoch));
        Assert.Equal("evacuation.noHost", Assert.Single(refused.Problems).Code);
        MaintenanceRules.CheckLeave(snapshot, spec, withStorage: false, skipBlocked: true, DateTimeOffset.UnixEpoch);
        var forecast = EvacuationForecasts.Of(snapshot, spec, withStorage: false, DateTimeOffset.UnixEpoch);
        Assert.Equal(id, Assert.Single(forecast.Blocked).Id);
        Assert.Empty(forecast.Moves);
    }

    [Fact]
    public async Task MobilityNamesEachHostAndWhyNot()
    {
        await using var pair = await HostPair.CreateAsync();
        var (own, _) = await LaunchAsync(pair, 1);
        var vm = pair.First.Cache.Snapshot.Get(Keys.Vms.Spec, own[0])!;
        var ways = Mobilities.Of(pair.First.Cache.Snapshot, vm);
        Assert.Equal([(pair.First.Id, true, false), (pair.Second.Id, false, true)], ways.Select(way => (way.Host, way.IsHere, way.CanGo)));
        Assert.True(ways[1].Live);
        Assert.Null(ways[1].Seconds);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.AskHostAsync(EvacuationJob.Enter, pair.Second));
        await pair.First.WaitForAsync([Keys.Hosts.Spec], snapshot => snapshot.Get(Keys.Hosts.Spec, pair.Second.Id)!.Record.Maintenance is not null);
        var closed = Mobilities.Of(pair.First.Cache.Snapshot, vm)[1];
        Assert.False(closed.CanGo || closed.CanGoWithStorage);
        Assert.Equal("placement.closed", Assert.Single(closed.Reasons).Code);
    }

    private static Operation? PowerOf(CacheSnapshot snapshot) => snapshot.All(Keys.Operations.Request).Where(request => request.Record.Kind == HostPowerHand.Kind)
        .Select(request => Lamina.Server.Operations.OperationViews.Get(snapshot, request.Id)).SingleOrDefault();

    /// <summary>Placement spreads them over both hosts, the first onto the first.</summary>
    private static async Task<(List<string> First, List<string> Second)> LaunchAsync(HostPair pair, int count)
    {
        var ids = new List<string>();
        for (int index = 0; index < count; index++) ids.Add(await pair.First.LaunchAsync(HostPair.Small with { Name = $"web{index}" }));
        var snapshot = pair.First.Cache.Snapshot;
        return ([.. ids.Where(id => snapshot.Get(Keys.Vms.Assignment, id)!.Record.Host == pair.First.Id)], [.. ids.Where(id => snapshot.Get(Keys.Vms.Assignment, id)!.Record.Host != pair.First.Id)]);
    }
}
