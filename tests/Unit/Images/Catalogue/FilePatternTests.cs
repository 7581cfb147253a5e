using Lamina.Server.Images.Catalogue;
using Xunit;

namespace Lamina.Tests.Unit.Images.Catalogue;

public class FilePatternTests
{
    private const string Page = """
        <html><a href="../">up</a> <a href='?C=M;O=A'>sort</a>
        <a href="alpine-3.20.9-x86_64-r0.qcow2">a</a> <a href="./alpine-3.20.10-x86_64-r0.qcow2">b</a>
        <a href="alpine-3.20.10-x86_64-r0.qcow2.sha512">c</a> <a href="alpine-3.20.2-aarch64-r0.qcow2">d</a>
        <a href="https://elsewhere/alpine-3.20.99-x86_64-r0.qcow2">e</a> <A HREF="with%20space-1.img">f</A>
        """;

    [Theory]
    [InlineData("alpine-3.21.*.qcow2", null)]
    [InlineData("alpine-3.20.*-x86_64-r*.qcow2", "alpine-3.20.10-x86_64-r0.qcow2")]
    [InlineData("alpine-3.20.*-aarch64-r*.qcow2", "alpine-3.20.2-aarch64-r0.qcow2")]
    [InlineData("with space-*.img", "with space-1.img")]
    public void The_newest_file_of_a_folder_that_fits_is_found(string pattern, string? expected) => Assert.Equal(expected, FilePattern.Newest(Page, pattern));

    [Theory]
    [InlineData("a*c", "abc", true)]
    [InlineData("a*c", "ac", true)]
    [InlineData("a*c", "abcd", false)]
    [InlineData("*", "", true)]
    [InlineData("a", "ab", false)]
    [InlineData("a**b", "axb", true)]
    public void A_star_stands_for_anything(string pattern, string name, bool fits) => Assert.Equal(fits, FilePattern.Fits(name, pattern));

    [Theory]
    [InlineData("3.9", "3.10")]
    [InlineData("a-1.6", "a-1.14")]
    [InlineData("x-007", "x-8")]
    public void Numbers_are_compared_by_their_value(string older, string newer)
    {
        Assert.True(FilePattern.CompareVersions(older, newer) < 0);
        Assert.True(FilePattern.CompareVersions(newer, older) > 0);
    }
}
