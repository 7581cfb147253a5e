using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Xunit;

namespace Lamina.Tests.Unit.Operations;

public class OperationProgressTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly OperationState Running = OperationProgress.Started(null, Now, cancellable: true);

    [Fact]
    public void AResumedOperationKeepsItsBeginAndSteps()
    {
        var before = OperationProgress.StepBegun(Running, "reset");
        var resumed = OperationProgress.Started(before, Now.AddHours(1), cancellable: false);
        Assert.Equal(Now, resumed.StartedAt);
        Assert.Equal(["reset"], resumed.Steps);
        Assert.False(resumed.Cancellable);
    }

    [Theory]
    [InlineData(-5, 0)]
    [InlineData(50, 50)]
    [InlineData(130, 100)]
    [InlineData(null, null)]
    public void PercentsStayWithinBounds(int? reported, int? kept) =>
        Assert.Equal(kept, OperationProgress.Reported(Running, reported, "copying").ProgressPercent);

    [Fact]
    public void TheLogKeepsTheLast200LinesShort()
    {
        var state = Running;
        for (int line = 1; line <= 250; line++) state = OperationProgress.Logged(state, $"{line} {new string('x', 500)}");
        Assert.Equal(OperationProgress.LogLines, state.Log.Count);
        Assert.StartsWith("51 ", state.Log[0], StringComparison.Ordinal);
        Assert.All(state.Log, line => Assert.True(line.Length <= OperationProgress.LineLength));
        Assert.True(RecordJson.Write(state, ApiJson.Default.OperationState).Length < 64 * 1024);
    }

    [Fact]
    public void TheEndSaysHowItEnded()
    {
        var failure = new Failure { Code = "c", Message = "m" };
        var failed = OperationProgress.Ended(OperationProgress.Reported(Running, 40, "x"), OperationOutcome.Failed(failure), Now);
        Assert.Equal((OperationPhase.Failed, 40, "c", false), (failed.Phase, failed.ProgressPercent, failed.Failure!.Code, failed.Cancellable));
        Assert.Equal(100, OperationProgress.Ended(Running, OperationOutcome.Succeeded, Now).ProgressPercent);
    }

    [Fact]
    public void OnlyAChangeOfMeaningIsWrittenAtOnce()
    {
        Assert.Equal(StatusDifference.Meaning, OperationProgress.Compare(null, Running));
        Assert.Equal(StatusDifference.Figures, OperationProgress.Compare(Running, OperationProgress.Reported(Running, 3, "x")));
        Assert.Equal(StatusDifference.Figures, OperationProgress.Compare(Running, OperationProgress.Logged(Running, "x")));
        Assert.Equal(StatusDifference.Meaning, OperationProgress.Compare(Running, Running with { Cancellable = false }));
        Assert.Equal(StatusDifference.None, OperationProgress.Compare(Running, Running));
    }
}
