using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Images;

namespace Lamina.Tests.Unit.Images;

public class ImageRulesTests
{
    private const string Sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Every_problem_of_a_request_is_told_at_once()
    {
        var problems = Check(new ImageCreate { Name = "Bad Name", Recipe = "debian/99", Sha256 = "xyz" });

        Assert.Equal(["$.name", "$.recipe", "$.sha256", "$.sha256"], problems.Select(problem => problem.Path).Order());
    }

    [Fact]
    public void An_image_has_exactly_one_source()
    {
        Assert.Contains(Check(new ImageCreate { Name = "a" }), problem => problem.Code == "image.source");
        Assert.Contains(Check(new ImageCreate { Name = "a", Recipe = "debian/12", Upload = "u" }), problem => problem.Code == "image.source");
    }

    [Fact]
    public void Right_requests_have_no_problems()
    {
        Assert.Empty(Check(new ImageCreate { Name = "debian/12", Recipe = "debian/12" }));
        Assert.Empty(Check(new ImageCreate { Name = "mine", Upload = "u", Sha256 = Sha256.ToUpperInvariant() }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public void Uploads_of_impossible_sizes_are_refused(long size)
    {
        var problems = new InputProblems();
        ImageRules.Check(new UploadCreate { SizeBytes = size }, problems);
        Assert.Equal("$.sizeBytes", Assert.Single(problems.Found).Path);
    }

    [Fact]
    public void An_image_with_clones_stays_and_they_are_named()
    {
        var disks = new[] { Disk("web-0", "i"), Disk("db-0", "i"), Disk("other-0", "j"), Disk("empty-0", null) };

        var refusal = ImageRules.RefuseDelete("debian/12", ImageRules.ClonesOf("i", disks));

        Assert.Equal("image.inUse", refusal!.Code);
        Assert.Contains("db-0, web-0", refusal.Message, StringComparison.Ordinal);
        Assert.Null(ImageRules.RefuseDelete("debian/12", ImageRules.ClonesOf("k", disks)));
    }

    [Fact]
    public void Of_many_names_the_first_are_listed() =>
        Assert.Equal("a, b, c, d, e and 2 more", ImageRules.Listed(["a", "b", "c", "d", "e", "f", "g"]));

    [Fact]
    public void An_upload_is_given_up_a_day_after_its_last_byte()
    {
        var spec = new UploadSpec { Pool = "p", SizeBytes = 10, CreatedAt = Now.AddDays(-3) };

        Assert.True(UploadAge.IsOver(spec, null, Now));
        Assert.True(UploadAge.IsOver(spec, Now.AddHours(-25), Now));
        Assert.False(UploadAge.IsOver(spec, Now.AddHours(-23), Now));
        Assert.False(UploadAge.IsOver(spec with { CreatedAt = Now.AddHours(-1) }, null, Now));
    }

    private static IReadOnlyList<InputProblem> Check(ImageCreate request)
    {
        var problems = new InputProblems();
        ImageRules.Check(request, problems);
        return problems.Found;
    }

    private static DiskSpec Disk(string name, string? image) => new() { Name = name, Pool = "p", SizeBytes = 1 << 20, Image = image };
}
