using Lamina.Server.Http;
using Xunit;

namespace Lamina.Tests.Unit.Http;

public class FilterTests
{
    [Theory]
    [InlineData("web", "web1", false)]
    [InlineData("web?", "web1", false)]
    [InlineData("WEB1", "web1", false)]
    [InlineData("a,b", "c", false)]
    [InlineData("", "web1", false)]
    [InlineData("web1*1", "web1", false)]
    [InlineData("a*b*c", "acb", false)]
    [InlineData("a*b*c", "axbybc", true)]
    [InlineData("*b*", "abc", true)]
    [InlineData("web1", null, false)]
    [InlineData(null, null, true)]
    [InlineData(null, "web1", true)]
    [InlineData("web1", "web1", true)]
    [InlineData("web*", "web1", true)]
    [InlineData("*", "web1", true)]
    [InlineData("db*,*1", "web1", true)]
    [InlineData("a?b", "a?b", true)]
    [InlineData(@"a\b", @"a\b", true)]
    public void WordsAndStars(string? filter, string? value, bool passes) => Assert.Equal(passes, Filter.Passes(filter, value));

    [Fact]
    public void OneOfSeveralValuesIsEnough()
    {
        Assert.True(Filter.PassesAny("prod", ["test", "prod"]));
        Assert.False(Filter.PassesAny("prod", ["test"]));
        Assert.False(Filter.PassesAny("prod", []));
        Assert.True(Filter.PassesAny(null, []));
    }
}
