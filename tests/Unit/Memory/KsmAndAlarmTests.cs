using Lamina.Api;
using Lamina.Server.Memory;

namespace Lamina.Tests.Unit.Memory;

public sealed class KsmAndAlarmTests
{
    [Theory]
    [InlineData(KsmMode.Leave, false, 5, null)]
    [InlineData(KsmMode.Leave, true, 5, null)]
    [InlineData(KsmMode.Off, true, 5, false)]
    [InlineData(KsmMode.Off, false, 5, null)]
    [InlineData(KsmMode.On, false, 90, true)]
    [InlineData(KsmMode.On, true, 90, null)]
    [InlineData(KsmMode.Auto, false, 19, true)]
    [InlineData(KsmMode.Auto, false, 25, null)]
    [InlineData(KsmMode.Auto, true, 25, null)]
    [InlineData(KsmMode.Auto, true, 31, false)]
    public void Merging(KsmMode mode, bool runs, int availablePercent, bool? next) => Assert.Equal(next, KsmPolicy.Next(mode, runs, 100, availablePercent));

    [Fact]
    public void An_alarm_needs_three_bad_readings_and_its_end_six_good_ones()
    {
        Assert.Equal("..!!!!!!..", Told("bbbggggggg"));
        Assert.Equal("......", Told("bbgbbg"));
        Assert.Equal("..!!!!!!!!!!.", Told("bbbgggbgggggg"));
        Assert.Equal("..!!!!!!!!!!!", Told("bbbgggggugggg"));
    }

    [Fact]
    public void Each_sign_raises_it()
    {
        Assert.True(Raised(Figures(4, 0, 0)));
        Assert.True(Raised(Figures(50, 12, 0)));
        Assert.True(Raised(Figures(50, 0, 2 << 20)));
        Assert.False(Raised(Figures(50, 5, 1000)));
        Assert.False(Raised(new HostFigures { Id = "h", Name = "h", At = default, Cores = 1 }));
    }

    [Fact]
    public void Its_words_name_the_figures() =>
        Assert.Equal("4 of 100 MiB are available, all tasks waited for memory in 12 % of the last 10 s, 2.0 MiB/s go to swap", MemoryAlarm.Words(Figures(4, 12, 2 << 20)));

    private static bool Raised(HostFigures figures) => MemoryAlarm.Silent.After(figures).After(figures).After(figures).IsRaised;

    private static HostFigures Figures(int availableMiB, double stalled, double swapOut) => new()
    {
        Id = "h",
        Name = "h",
        At = default,
        Cores = 1,
        MemoryBytes = 100 << 20,
        MemoryAvailableBytes = (long)availableMiB << 20,
        PressureMemoryFullPercent = stalled,
        SwapOutBytesPerSecond = swapOut,
    };

    /// <summary>b: bad, g: good, u: neither. '!' where the alarm is raised after the reading.</summary>
    private static string Told(string readings)
    {
        var alarm = MemoryAlarm.Silent;
        return string.Concat(readings.Select(reading =>
        {
            alarm = alarm.After(reading switch { 'b' => Figures(4, 0, 0), 'u' => Figures(7, 0, 0), _ => Figures(50, 0, 0) });
            return alarm.IsRaised ? '!' : '.';
        }));
    }
}
