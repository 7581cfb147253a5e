using Lamina.Api;

namespace Lamina.Tests.Unit.Api;

public class SizesTests
{
    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("GiB")]
    [InlineData("-1G")]
    [InlineData("1.2.3G")]
    [InlineData("1XiB")]
    [InlineData("1GiBi")]
    [InlineData("0.3B")]
    [InlineData("9999999P")]
    public void Refuses_what_is_no_size(string? text) => Assert.False(Sizes.TryParse(text, out _));

    [Theory]
    [InlineData("0", 0)]
    [InlineData("17", 17)]
    [InlineData("1K", 1024)]
    [InlineData("1.5 GiB", 1610612736)]
    [InlineData("2gib", 2147483648)]
    [InlineData("10GB", 10737418240)]
    public void Reads_what_people_write(string text, long bytes)
    {
        Assert.True(Sizes.TryParse(text, out var parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(314572800, "300 MiB")]
    public void Writes_what_people_read(long bytes, string text) => Assert.Equal(text, Sizes.Format(bytes));
}
