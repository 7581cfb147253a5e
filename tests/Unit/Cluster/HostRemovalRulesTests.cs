using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Cluster;
using Lamina.Server.Control;
using Lamina.Tests.Unit.Vms;

namespace Lamina.Tests.Unit.Cluster;

public sealed class HostAddressRulesTests
{
    [Theory]
    [InlineData(null, "10.0.0.1", "10.0.0.1")]
    [InlineData(null, "10.0.0.1 fd00::1", "10.0.0.1")]
    [InlineData(null, "fd00::1", "fd00::1")]
    [InlineData("fd00::1", "10.0.0.1 fd00::1", "fd00::1")]
    public void TheOneThatIsAskedForOrTheOnlyOne(string? wanted, string own, string chosen) => Assert.Equal(chosen, HostAddressRules.Choose(wanted, own.Split(' ')));

    [Theory]
    [InlineData(null, "10.0.0.1 10.1.0.1")]
    [InlineData(null, "")]
    [InlineData("10.9.9.9", "10.0.0.1")]
    [InlineData("host1", "10.0.0.1")]
    public void WhatIsNotOursOrNotClearIsRefused(string? wanted, string own) =>
        Assert.Equal("cluster.address", Assert.Throws<ProblemException>(() => HostAddressRules.Choose(wanted, own.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Code);
}

public sealed class EtcdSnapshotsTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(null, true)]
    [InlineData(25, true)]
    [InlineData(23, false)]
    public void OneADay(int? hoursAgo, bool due) => Assert.Equal(due, EtcdSnapshots.IsDue(hoursAgo is { } hours ? [EtcdSnapshots.NameAt(Now.AddHours(-hours))] : [], Now));

    [Fact]
    public void OneFromTheFutureDoesNotCountAndGoesFirst()
    {
        string future = EtcdSnapshots.NameAt(Now.AddHours(5)), past = EtcdSnapshots.NameAt(Now.AddHours(-25));
        Assert.True(EtcdSnapshots.IsDue([future, past], Now));
        string[] there = [future, .. Enumerable.Range(0, EtcdSnapshots.Kept).Select(day => EtcdSnapshots.NameAt(Now.AddDays(-day)))];
        Assert.Equal([future], EtcdSnapshots.Old(there, Now));
    }

    [Fact]
    public void TheOldestGo()
    {
        string[] there = [.. Enumerable.Range(0, EtcdSnapshots.Kept + 2).Select(day => EtcdSnapshots.NameAt(Now.AddDays(-day)))];
        Assert.Equal(there[^2..], EtcdSnapshots.Old(there, Now));
    }
}
