using Lamina.Api.Input;
using Xunit;

namespace Lamina.Tests.Unit.Api.Input;

public class NamesTests
{
    [Theory]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("-a", false)]
    [InlineData("a-", false)]
    [InlineData("Web", false)]
    [InlineData("a.b", false)]
    [InlineData("a/b", false)]
    [InlineData("é", false)]
    [InlineData("a b", false)]
    [InlineData("0190b2a4-7c1e-7000-8000-000000000000", false)]
    [InlineData("0190b2a47c1e70008000000000000000", false)]
    [InlineData("a", true)]
    [InlineData("7", true)]
    [InlineData("web-1", true)]
    public void LabelsAreThoseOfRfc1123ButNoIds(string? name, bool valid) => Assert.Equal(valid, Names.IsLabel(name));

    [Fact]
    public void ALabelHasAtMost63Characters()
    {
        Assert.True(Names.IsLabel(new string('a', 63)));
        Assert.False(Names.IsLabel(new string('a', 64)));
    }

    [Theory]
    [InlineData("debian/", false)]
    [InlineData("/12", false)]
    [InlineData("a/b/c", false)]
    [InlineData("ubuntu/24..04", false)]
    [InlineData("ubuntu.x/24", false)]
    [InlineData("mine", true)]
    [InlineData("debian/12", true)]
    [InlineData("ubuntu/24.04", true)]
    public void ImagesMayHaveTwoParts(string name, bool valid) => Assert.Equal(valid, Names.IsImageName(name));
}
