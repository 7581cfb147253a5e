using Lamina.Cli;

namespace Lamina.Tests.Unit.Cli;

public class LocalMediaTests
{
    [Theory]
    [InlineData("./a.iso", true)]
    [InlineData("/srv/a.iso", true)]
    [InlineData("~/a.iso", true)]
    [InlineData("a", false)]
    [InlineData("", false)]
    public void A_file_begins_with_dot_slash_or_tilde(string value, bool file) => Assert.Equal(file, LocalMedia.IsFile(value));

    [Theory]
    [InlineData("./FreeDOS 1.4M.img", "freedos-1-4m")]
    [InlineData("/x/---.iso", "medium")]
    [InlineData("/x/vmlinuz-6.1.0", "vmlinuz-6-1")]
    public void The_name_is_a_label_made_from_the_file(string path, string name) => Assert.Equal(name, LocalMedia.NameOf(path));
}
