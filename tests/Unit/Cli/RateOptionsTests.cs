using Lamina.Cli;
using Xunit;

namespace Lamina.Tests.Unit.Cli;

public class RateOptionsTests
{
    [Theory]
    [InlineData("")]
    [InlineData("100")]
    [InlineData("Mbit")]
    [InlineData("-1Mbit")]
    [InlineData("0Mbit")]
    [InlineData("100MiB")]
    [InlineData("0.0001Mbit")]
    [InlineData("99999999Gbit")]
    public void What_is_no_rate_is_refused(string text) => Assert.False(RateOptions.TryParse(text, out _));

    [Theory]
    [InlineData("none", 0)]
    [InlineData("500kbit", 500)]
    [InlineData("100Mbit", 100_000)]
    [InlineData("100mbit/s", 100_000)]
    [InlineData("2.5Gbit", 2_500_000)]
    public void Rates_are_read(string text, int kbps) => Assert.Equal((true, kbps), (RateOptions.TryParse(text, out int read), read));

    [Theory]
    [InlineData(64, "64 kbit/s")]
    [InlineData(1500, "1.5 Mbit/s")]
    [InlineData(10_000_000, "10 Gbit/s")]
    public void And_written(int kbps, string text) => Assert.Equal(text, RateOptions.Format(kbps));
}
