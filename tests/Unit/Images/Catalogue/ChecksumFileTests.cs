using Lamina.Server.Images.Catalogue;
using Xunit;

namespace Lamina.Tests.Unit.Images.Catalogue;

public class ChecksumFileTests
{
    private static readonly string Short = new('a', 64);
    private static readonly string Other = new('b', 64);
    private static readonly string Long = new('c', 128);

    [Theory]
    [InlineData("")]
    [InlineData("<html>404</html>")]
    [InlineData("aaaa  disk.img")]
    public void What_lists_no_checksum_gives_none(string text) => Assert.Null(ChecksumFile.Find(text, "disk.img"));

    [Fact]
    public void The_checksum_of_another_file_is_not_taken()
    {
        Assert.Null(ChecksumFile.Find($"{Short}  old-disk.img\n{Other}  disk.img.xz\n", "disk.img"));
        Assert.Null(ChecksumFile.Find($"SHA256 (disk.img.asc) = {Short}", "disk.img"));
    }

    [Fact]
    public void Lines_of_GNU_are_read()
    {
        Assert.Equal(Short, ChecksumFile.Find($"{Other}  other.img\n{Short}  disk.img\n", "disk.img")!.Hex);
        Assert.Equal(Short, ChecksumFile.Find($"{Short.ToUpperInvariant()} *disk.img\r\n", "disk.img")!.Hex);
        Assert.Equal(Short, ChecksumFile.Find($"{Other}  x\n{Short}  ./images/disk.img", "disk.img")!.Hex);
    }

    [Fact]
    public void Lines_of_BSD_are_read_also_within_a_signature()
    {
        string text = $"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# disk.img: 512 bytes\nSHA256 (disk.img) = {Short}\nSHA256 (other.img) = {Other}\n-----BEGIN PGP SIGNATURE-----\nabc\n";
        Assert.Equal(("sha256", Short), (ChecksumFile.Find(text, "disk.img")!.Algorithm, ChecksumFile.Find(text, "disk.img")!.Hex));
    }

    [Fact]
    public void Of_two_checksums_the_stronger_is_taken() =>
        Assert.Equal($"sha512:{Long}", ChecksumFile.Find($"{Short}  disk.img\n{Long}  disk.img", "disk.img")!.ToString());

    [Fact]
    public void A_file_with_one_bare_checksum_belongs_to_its_neighbour()
    {
        Assert.Equal(Long, ChecksumFile.Find(Long + "\n", "disk.img")!.Hex);
        Assert.Null(ChecksumFile.Find($"{Short}\n{Other}\n", "disk.img"));
    }
}
