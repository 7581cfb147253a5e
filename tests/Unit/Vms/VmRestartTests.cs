using Lamina.Api;
using Lamina.Server.Vms.Plan;

namespace Lamina.Tests.Unit.Vms;

public sealed class VmRestartTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(RestartPolicy.Never, StopCause.Crash)]
    [InlineData(RestartPolicy.OnFailure, StopCause.GuestShutdown)]
    [InlineData(RestartPolicy.Always, StopCause.Request)]
    public void WhatThePolicyDoesNotCoverStaysDown(RestartPolicy policy, StopCause cause) => Assert.Null(VmRestart.Due(VmRestart.Ended(Running(), cause, policy, Now), policy, Now));

    [Fact]
    public void EachCrashInARowWaitsLongerUpToABound()
    {
        var status = Running();
        foreach (int seconds in (int[])[1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
        {
            status = VmRestart.Ended(status with { StartedAt = Now }, StopCause.Crash, RestartPolicy.OnFailure, Now);
            Assert.Equal(TimeSpan.FromSeconds(seconds), Due(status, Now));
            Assert.Equal(TimeSpan.FromSeconds(1), Due(status, Now.AddSeconds(seconds - 1)));
            Assert.Equal(TimeSpan.Zero, Due(status, Now.AddSeconds(seconds)));
        }
    }

    /// <summary>The time is on record as wall time: neither way may a jump keep the VM down for hours.</summary>
    [Theory]
    [InlineData(1, 3)]
    [InlineData(1, -3)]
    [InlineData(10, -24)]
    public void AClockThatJumpsByHoursEndsTheWait(int crashes, int hours)
    {
        var status = VmRestart.Ended(Running() with { Crashes = crashes - 1, StartedAt = Now }, StopCause.Crash, RestartPolicy.OnFailure, Now);
        Assert.Equal(TimeSpan.Zero, Due(status, Now.AddHours(hours)));
    }

    [Fact]
    public void AClockThatIsPutRightByMomentsDoesNot()
    {
        var status = VmRestart.Ended(Running(), StopCause.Crash, RestartPolicy.OnFailure, Now);
        Assert.Equal(TimeSpan.FromSeconds(3), Due(status, Now.AddSeconds(-2)));
    }

    private static TimeSpan? Due(VmStatus status, DateTimeOffset now) => VmRestart.Due(status, RestartPolicy.OnFailure, now);

    private static VmStatus Running() => new() { State = VmState.Running, Host = "host-1", Epoch = 1, Run = 1 };
}
