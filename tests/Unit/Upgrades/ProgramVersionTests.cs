using Lamina.Server;

namespace Lamina.Tests.Unit.Upgrades;

public sealed class ProgramVersionTests
{
    /// <summary>As dpkg --compare-versions says.</summary>
    [Theory]
    [InlineData("0.1.0", "0.1.0", 0)]
    [InlineData("0.2.0", "0.10.0", -1)]
    [InlineData("0.1.0~git9.aa", "0.1.0~git10.aa", -1)]
    [InlineData("0.1.0~git300.1a2b", "0.1.0", -1)]
    [InlineData("0.1.0-1", "0.1.0", 1)]
    [InlineData("1.0", "0.99.9", 1)]
    [InlineData("0.1.0a", "0.1.0+b", -1)]
    [InlineData("", "0", 0)]
    public void OrdersAsDebianDoes(string left, string right, int expected)
    {
        Assert.Equal(expected, ProgramVersion.Compare(left, right));
        Assert.Equal(-expected, ProgramVersion.Compare(right, left));
    }

    [Theory]
    [InlineData("0.1.0", "0.1.9~git3", true)]
    [InlineData("0.1.0", "0.2.0", true)]
    [InlineData("0.1.0", "0.3.0", false)]
    [InlineData("0.9.0", "1.0.0", false)]
    [InlineData("nonsense", "0.1.0", false)]
    [InlineData("", "", false)]
    public void VersionsWorkTogetherWhenTheirMinorVersionsFollowEachOther(string left, string right, bool expected)
    {
        Assert.Equal(expected, ProgramVersion.WorkTogether(left, right));
        Assert.Equal(expected, ProgramVersion.WorkTogether(right, left));
    }
}
