using System.Collections.Immutable;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Maintenance;
using Lamina.Tests.Unit.Migration;

namespace Lamina.Tests.Unit.Maintenance;

/// <summary>Two hosts on one store, the first of them busy.</summary>
public sealed class BalancerTests
{
    [Fact]
    public async Task NothingIsAdvisedWhileItIsOff()
    {
        await using var pair = await HostPair.CreateAsync();
        await BusyAsync(pair, BalanceMode.Off);
        Assert.Empty(ReportOf(pair).Moves);
        Assert.Equal(0, await pair.First.BalanceAsync());
    }

    [Fact]
    public async Task WhatIsAdvisedIsNotDone()
    {
        await using var pair = await HostPair.CreateAsync();
        string[] vms = await BusyAsync(pair, BalanceMode.Advise);
        var move = Assert.Single(ReportOf(pair).Moves);
        Assert.Contains(move.Vm, vms);
        Assert.Equal((pair.First.Id, pair.Second.Id), (move.From, move.To));
        Assert.Contains("90 % used", move.Reason, StringComparison.Ordinal);
        Assert.Equal(0, await pair.First.BalanceAsync());
        Assert.Empty(pair.First.Cache.Snapshot.All(Keys.Vms.Handover));
    }

    [Fact]
    public async Task ByItselfAGuestGoesWithItsReasonAndThenThereIsRest()
    {
        await using var pair = await HostPair.CreateAsync();
        string[] vms = await BusyAsync(pair, BalanceMode.Auto);
        Assert.Equal(1, await pair.First.BalanceAsync());
        await pair.First.WaitForAsync([Keys.Vms.Assignment], snapshot => vms.Any(id => snapshot.Get(Keys.Vms.Assignment, id)!.Record.Host == pair.Second.Id));
        string moved = Assert.Single(vms, id => pair.First.Cache.Snapshot.Get(Keys.Vms.Assignment, id)!.Record.Host == pair.Second.Id);
        await pair.AssertAtRestAsync(moved, pair.Second, epoch: 2);
        Assert.Contains(await pair.First.EventsAsync(moved), happened => happened.Kind == "balance.move" && happened.Message.Contains("to even out their load", StringComparison.Ordinal));
        Assert.Equal(0, await pair.First.BalanceAsync());
    }

    [Fact]
    public async Task AHostOnWhichTasksWaitIsRelievedThoughItsLoadIsLower()
    {
        await using var pair = await HostPair.CreateAsync();
        await BusyAsync(pair, BalanceMode.Advise, cpuPercent: 60);
        Assert.Empty(ReportOf(pair).Moves);
        await BusyAsync(pair, BalanceMode.Advise, cpuPercent: 60, pressurePercent: 40, launch: false);
        Assert.Single(ReportOf(pair).Moves);
    }

    private static BalanceReport ReportOf(HostPair pair) => Balances.Of(pair.First.Cache.Snapshot, TimeProvider.System.GetUtcNow());

    /// <summary>Two guests on the first host, and what both hosts tell of their load.</summary>
    private static async Task<string[]> BusyAsync(HostPair pair, BalanceMode mode, double cpuPercent = 90, double pressurePercent = 0, bool launch = true)
    {
        if (launch) for (int index = 0; index < 2; index++) await pair.LaunchAsync(HostPair.Small with { Name = $"busy{index}" });
        string[] vms = [.. pair.First.Cache.Snapshot.All(Keys.Vms.Assignment).Where(vm => vm.Record.Host == pair.First.Id).Select(vm => vm.Id)];
        var busy = Load(cpuPercent) with
        {
            PressureCpuPercent = pressurePercent,
            Vms = vms.ToImmutableDictionary(id => id, _ => new VmLoad { CpuPercent = 120, ResidentBytes = 128 << 20 }),
        };
        await pair.First.WriteAsync(change => change.Put(Keys.Hosts.Load, pair.First.Id, busy).Put(Keys.Hosts.Load, pair.Second.Id, Load(5)).Put(Keys.PlacementSettings, "", new PlacementSettings { Balance = mode }));
        await pair.First.WaitForAsync(
            [Keys.Hosts.Load, Keys.PlacementSettings],
            snapshot => snapshot.Get(Keys.Hosts.Load, pair.Second.Id) is not null && snapshot.Get(Keys.Hosts.Load, pair.First.Id)?.Record.PressureCpuPercent == pressurePercent && Balances.ModeIn(snapshot) == mode);
        return vms;
    }

    private static HostLoad Load(double cpuPercent) => new() { At = DateTimeOffset.UnixEpoch, Seconds = 300, CpuPercent = cpuPercent, MemoryBytes = 8L << 30, MemoryUsedBytes = 1L << 30 };
}
