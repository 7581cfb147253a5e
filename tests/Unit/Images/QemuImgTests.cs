using System.Text.Json;
using Lamina.Server.Images;

namespace Lamina.Tests.Unit.Images;

public class QemuImgTests
{
    [Theory]
    [InlineData("", null)]
    [InlineData("progress", null)]
    [InlineData("(/100%)", null)]
    [InlineData("(x/100%)", null)]
    [InlineData("    (0.00/100%)", 0)]
    [InlineData("    (42.99/100%)", 42)]
    [InlineData("    (100.00/100%)", 100)]
    [InlineData("(400.00/100%)", 100)]
    public void Progress_is_read_from_qemu_imgs_lines(string line, int? percent) => Assert.Equal(percent, QemuImg.PercentOf(line));

    [Theory]
    [InlineData("""{"virtual-size":512,"backing-filename":"/etc/passwd"}""", "/etc/passwd")]
    [InlineData("""{"virtual-size":512,"format-specific":{"type":"qcow2","data":{"data-file":"d.raw"}}}""", "d.raw")]
    [InlineData("""{"virtual-size":512,"format-specific":{"type":"vmdk","data":{"extents":[{"filename":"a"},{"filename":"b"}]}}}""", "b")]
    public void Any_further_file_that_qemu_img_reports_is_seen(string json, string other) =>
        Assert.Equal(other, QemuImg.ReadInfo(JsonDocument.Parse(json).RootElement).OtherFile);

    [Fact]
    public void A_whole_disk_has_none()
    {
        var info = QemuImg.ReadInfo(JsonDocument.Parse("""{"virtual-size":1024,"format-specific":{"type":"vmdk","data":{"extents":[{"filename":"a"}]}}}""").RootElement);
        Assert.Equal(new QemuImgInfo(1024, null, false), info);
    }

    [Fact]
    public void Encryption_is_seen() => Assert.True(QemuImg.ReadInfo(JsonDocument.Parse("""{"virtual-size":1024,"encrypted":true}""").RootElement).Encrypted);

    [Theory]
    [InlineData("", null)]
    [InlineData("progress", null)]
    [InlineData("progress x text", null)]
    [InlineData("progress 101 text", null)]
    [InlineData("progress -1 text", null)]
    [InlineData("progress 42 configuring packages", 42)]
    public void A_recipes_progress_is_read_from_its_lines(string line, int? percent) => Assert.Equal(percent, ImageRecipes.ProgressOf(line)?.Percent);

    [Fact]
    public void A_recipes_text_is_the_rest_of_the_line() => Assert.Equal((7, "unpacking the base system"), ImageRecipes.ProgressOf("progress 7 unpacking the base system"));

    [Theory]
    [InlineData("", "it said nothing")]
    [InlineData("a\nb\nc\nd\n", "b | c | d")]
    [InlineData("E: apt's words\nerror: no mirror. Check the network\n", "no mirror. Check the network")]
    public void A_recipes_complaint_is_its_last_words(string errorText, string words) => Assert.Equal(words, ImageBuild.LastWords(errorText));
}
