using Lamina.Api.Client;

namespace Lamina.Tests.Unit.Api.Client;

public sealed class RetryPlanTests
{
    [Theory]
    [InlineData("POST", false, false)]
    [InlineData("PATCH", true, false)]
    [InlineData("DELETE", false, false)]
    [InlineData("POST", true, true)]
    [InlineData("GET", false, true)]
    [InlineData("HEAD", false, true)]
    public void OnlyWhatTheServerCanTellIsRepeated(string method, bool hasKey, bool repeatable) =>
        Assert.Equal(repeatable, RetryPlan.IsRepeatable(new HttpMethod(method), hasKey));

    [Theory]
    [InlineData(500)]
    [InlineData(404)]
    [InlineData(409)]
    public void ARefusalIsNotTriedAgain(int status) => Assert.Null(RetryPlan.PauseAfter(1, status, null));

    [Fact]
    public void ItGivesUp() => Assert.Null(RetryPlan.PauseAfter(RetryPlan.Attempts, null, null));

    [Fact]
    public void AnOutageIsNotWaitedFor() => Assert.Null(RetryPlan.PauseAfter(1, 503, TimeSpan.FromMinutes(5)));

    [Fact]
    public void PausesGrow() =>
        Assert.Equal([100.0, 200, 400, 800], Enumerable.Range(1, RetryPlan.Attempts - 1).Select(attempt => RetryPlan.PauseAfter(attempt, null, null)!.Value.TotalMilliseconds));

    [Fact]
    public void TheServersWordCounts() => Assert.Equal(TimeSpan.FromSeconds(1), RetryPlan.PauseAfter(1, 503, TimeSpan.FromSeconds(1)));
}
