using Lamina.Api;
using Lamina.Server.Cluster;

namespace Lamina.Tests.Unit.Cluster;

/// <summary>What a person should know of a cluster.</summary>
public sealed class ClusterViewsTests
{
    private static readonly Membership Own = new() { ClusterId = "c", ClusterName = "dc1", Address = "10.0.0.1", Endpoints = [] };

    [Fact]
    public void TwoHostsWithoutAWitnessAreOneVoterAndAClient() =>
        Assert.Contains(Notes([Member("one"), Member("two", ClusterRole.Client)]), note => note.StartsWith("one alone keeps the store. When it fails, guests on other hosts run on", StringComparison.Ordinal));

    [Fact]
    public void SilentVotersLeaveLessToFail()
    {
        var notes = Notes([Member("one"), Member("two"), Member("three") with { Live = false, SilentSince = new DateTimeOffset(2026, 11, 23, 12, 0, 0, TimeSpan.Zero) }]);
        Assert.Contains("three is silent since 2026-11-23 12:00:00Z: its state is not known, and its guests are not started elsewhere.", notes);
        Assert.Contains(notes, note => note.StartsWith("2 of 3 voters are there: 0 more may fail.", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("3.4.23", true)]
    [InlineData("3.5.9", false)]
    [InlineData(null, false)]
    public void AnOldEtcdIsWarnedOf(string? version, bool warned) =>
        Assert.Equal(warned, ClusterNotes.Of([Member("one")], Own, version, stale: false).Any(note => note.Contains("known faults", StringComparison.Ordinal)));

    [Fact]
    public void AStoreThatDoesNotAnswerIsSaidFirst() =>
        Assert.StartsWith("The cluster's store does not answer", ClusterNotes.Of([Member("one") with { Live = null }], Own, null, stale: true).First(), StringComparison.Ordinal);

    [Fact]
    public void AnAddressThatIsTriedOrWasTakenBackIsTold()
    {
        var trying = new AddressTry { Former = "10.0.0.1", Wanted = "10.0.0.9" };
        Assert.Contains(ClusterNotes.Of([Member("one")], Own with { AddressTry = trying }, null, stale: false), note => note.StartsWith("This host tries the address 10.0.0.9", StringComparison.Ordinal));
        Assert.Contains(
            "This host has stayed at 10.0.0.1, since its change to 10.0.0.9 came to nothing: two: it does not answer.",
            ClusterNotes.Of([Member("one")], Own with { AddressTry = trying with { Problem = "two: it does not answer." } }, null, stale: false));
    }

    private static string[] Notes(IReadOnlyList<ClusterMember> members) => [.. ClusterNotes.Of(members, Own, "3.5.9", stale: false)];

    private static ClusterMember Member(string name, ClusterRole role = ClusterRole.Voter) => new()
    {
        Id = name, Name = name, Role = role, Live = true, Addresses = new HostAddresses { Api = "10.0.0.1:7443", Peer = "10.0.0.1:7444", Migration = "10.0.0.1" },
    };
}
