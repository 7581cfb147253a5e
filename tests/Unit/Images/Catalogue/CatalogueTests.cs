using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server;
using Lamina.Server.Images.Catalogue;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Unit.Images.Catalogue;

public sealed class CatalogueTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_list_that_comes_with_the_daemon_is_right()
    {
        var entries = new ImageCatalogue(ImageCatalogue.BuiltInFile, _folder.File("none")).Read();

        Assert.Contains(entries, entry => entry.Name == "debian/12");
        Assert.All(entries, entry => Assert.StartsWith("https://", entry.Folder, StringComparison.Ordinal));
    }

    [Fact]
    public void An_administrators_entry_wins_over_the_built_in_one()
    {
        Directory.CreateDirectory(_folder.File("catalogue.d"));
        File.WriteAllText(_folder.File("catalogue.d/mirror.yaml"), "images:\n- {name: debian/12, title: Mirror, folder: 'http://mirror.example/d/', file: d.qcow2, checksums: SHA256SUMS}\n");

        var found = new ImageCatalogue(ImageCatalogue.BuiltInFile, _folder.File("catalogue.d")).Find("debian/12")!;

        Assert.Equal("http://mirror.example/d/d.qcow2", ImageCatalogue.SourceOf(found).Url);
    }

    [Fact]
    public void Every_problem_of_every_entry_is_told_with_its_place()
    {
        Directory.CreateDirectory(_folder.File("catalogue.d"));
        File.WriteAllText(_folder.File("catalogue.d/a.yaml"), "images:\n- {name: Bad Name, title: x, folder: 'ftp://h/d', file: a/b, checksums: ..}\n");
        File.WriteAllText(_folder.File("catalogue.d/b.yaml"), "imges: []\n");

        var refused = Assert.Throws<ProblemException>(() => new ImageCatalogue(ImageCatalogue.BuiltInFile, _folder.File("catalogue.d")).Read());

        foreach (string place in new[] { "[0].name", "[0].folder", "[0].file", "[0].checksums", "b.yaml: $.imges" })
            Assert.Contains(place, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://h/disk.img", null, null, "image.checksum")]
    [InlineData("https://h/disk.img", "https://h/S", "0", "image.checksum")]
    [InlineData("http://h/disk.img", "https://h/S", null, "url.notHttps")]
    [InlineData("https://h/disk.img", "http://h/S", null, "url.notHttps")]
    [InlineData("https://u:p@h/disk.img", "https://h/S", null, "url.invalid")]
    [InlineData("file:///etc/shadow", null, "0", "url.invalid")]
    [InlineData("https://h/folder/", null, "0", "url.noFile")]
    public void A_file_is_pulled_only_with_a_checksum_that_proves_something(string url, string? checksums, string? sha256, string code) =>
        Assert.Contains(Check(new ImageCreate { Name = "mine", Url = url, ChecksumsUrl = checksums, Sha256 = sha256 }), problem => problem.Code == code);

    [Fact]
    public void Right_requests_have_no_problems()
    {
        Assert.Empty(Check(new ImageCreate { Name = "mine", Url = "https://h/disk.img", ChecksumsUrl = "https://h/SHA256SUMS" }));
        Assert.Empty(Check(new ImageCreate { Name = "mine", Url = "http://h/disk.img", Sha256 = new string('0', 64) }));
        Assert.Empty(Check(new ImageCreate { Name = "mine", Catalogue = "debian/12" }));
    }

    private static IReadOnlyList<InputProblem> Check(ImageCreate request)
    {
        var problems = new InputProblems();
        CatalogueRules.Check(request, problems);
        return problems.Found;
    }
}
