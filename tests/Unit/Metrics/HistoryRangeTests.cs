using Lamina.Api.Input;
using Lamina.Server.Metrics.History;

namespace Lamina.Tests.Unit.Metrics;

public sealed class HistoryRangeTests
{
    private static readonly DateTimeOffset Now = new(2026, 5, 1, 12, 0, 5, TimeSpan.Zero);

    [Theory]
    [InlineData("yesterday", null, null, "time.invalid")]
    [InlineData("-1y", null, null, "time.invalid")]
    [InlineData("-", null, null, "time.invalid")]
    [InlineData("1969-01-01T00:00:00Z", null, null, "time.invalid")]
    [InlineData(null, "-1m-", null, "time.invalid")]
    [InlineData(null, null, "0", "step.invalid")]
    [InlineData(null, null, "15", "step.invalid")]
    [InlineData(null, null, "-10", "step.invalid")]
    [InlineData("-1h", "-2h", null, "range.empty")]
    [InlineData("-2h", null, "10", "range.tooFine")]
    [InlineData("-20d", null, "60", "range.tooFine")]
    [InlineData("-400d", null, null, "range.tooMany")]
    public void Illegal(string? from, string? to, string? step, string code) =>
        Assert.Contains(Assert.Throws<InputException>(() => HistoryRange.Of(from, to, step, Now)).Problems, problem => problem.Code == code);

    [Fact]
    public void Every_problem_is_told_at_once() =>
        Assert.Equal(["?to", "?from", "?step"], Assert.Throws<InputException>(() => HistoryRange.Of("x", "y", "z", Now)).Problems.Select(problem => problem.Path));

    [Theory]
    [InlineData(null, null, 0, 10, 361)]
    [InlineData("-30m", null, 0, 10, 181)]
    [InlineData("-6h", null, 1, 60, 361)]
    [InlineData("-7d", null, 2, 600, 1009)]
    [InlineData("-30m", "60", 1, 60, 31)]
    [InlineData("-30m", "1200", 2, 1200, 3)]
    [InlineData("-6h", "300", 1, 300, 73)]
    public void Levels(string? from, string? step, int level, int stepSeconds, int count)
    {
        var range = HistoryRange.Of(from, null, step, Now);
        Assert.Equal((level, stepSeconds, count), (range.Level, range.StepSeconds, range.Count));
        Assert.Equal(0, range.From % stepSeconds);
        Assert.True(range.To >= Now.ToUnixTimeSeconds());
    }
}
