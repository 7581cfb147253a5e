using Lamina.Server;
using Lamina.Testing;

namespace Lamina.Tests.Unit.Upgrades;

public sealed class ChosenVersionTests
{
    private static readonly VersionTrial Fresh = new() { Version = "0.2.0", Operation = "op" };

    [Fact]
    public void NothingChosenIsTheInstalledOne() => Assert.Equal((new ChosenVersion(), null), Choose(new ChosenVersion()));

    [Fact]
    public void AVersionIsTriedOnceAndThenGivenUp()
    {
        var (begun, run) = Choose(new ChosenVersion { Trial = Fresh });
        Assert.Equal("0.2.0", run);
        Assert.True(begun.Trial!.Begun);

        var (given, next) = Choose(begun with { Trial = begun.Trial with { Failure = "no store" } });
        Assert.Null(next);
        Assert.Null(given.Trial);
        Assert.Equal(("op", "no store"), (given.Failed!.Operation, given.Failed.Failure));
        Assert.Equal((given, null), Choose(given));
    }

    [Fact]
    public void AFailedTrialIsFollowedByTheVersionThatHasProvedItself() =>
        Assert.Equal("0.1.5", Choose(new ChosenVersion { Current = "0.1.5", Trial = Fresh with { Begun = true } }).Run);

    [Fact]
    public void AVersionThatIsNotThereIsNotRun()
    {
        var (next, run) = new ChosenVersion { Current = "0.1.5", Trial = Fresh }.Choose("0.1.0", _ => false);
        Assert.Null(run);
        Assert.Equal("0.2.0", next.Failed!.Version);
    }

    [Fact]
    public void ANewerInstalledVersionWinsOverWhatAnUpgradeBroughtBefore()
    {
        Assert.Equal("0.2.0", Choose(new ChosenVersion { Current = "0.2.0" }, installed: "0.1.0").Run);
        Assert.Null(Choose(new ChosenVersion { Current = "0.2.0" }, installed: "0.2.0").Run);
        Assert.Null(Choose(new ChosenVersion { Current = "0.2.0" }, installed: "0.2.1").Run);
    }

    [Fact]
    public void WhatIsWrittenIsReadAgainAndADamagedFileCountsAsNone()
    {
        using var folder = new TemporaryFolder();
        var versions = new VersionFolder(folder.Path);
        Assert.Equal(new ChosenVersion(), versions.Read());
        versions.Try("0.2.0", "op");
        Assert.Equal(new ChosenVersion { Trial = Fresh }, new VersionFolder(folder.Path).Read());
        File.WriteAllText(Path.Combine(versions.Root, "state.json"), "{");
        Assert.Equal(new ChosenVersion(), versions.Read());
    }

    private static (ChosenVersion Next, string? Run) Choose(ChosenVersion state, string installed = "0.1.0") => state.Choose(installed, _ => true);
}
