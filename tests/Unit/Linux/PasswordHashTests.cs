using Lamina.Linux.Host;

namespace Lamina.Tests.Unit.Linux;

public class PasswordHashTests
{
    // As `openssl passwd -6` makes it: another implementation of Ulrich Drepper's "Unix crypt using SHA-256 and SHA-512".
    [Fact]
    public void Another_implementation_comes_to_the_same() =>
        Assert.Equal(
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            PasswordHash.Sha512("Hello world!", "saltstring"));

    [Fact]
    public void Each_hash_has_a_salt_of_its_own()
    {
        var first = PasswordHash.Sha512("pässword");
        Assert.NotEqual(first, PasswordHash.Sha512("pässword"));
        Assert.Equal(first, PasswordHash.Sha512("pässword", first.Split('$')[2]));
    }

    [Theory]
    [InlineData("bad:salt")]
    [InlineData("bad\nsalt")]
    public void A_salt_that_would_break_the_shadow_file_is_refused(string salt) =>
        Assert.Throws<Lamina.Linux.LinuxException>(() => PasswordHash.Sha512("x", salt));
}
