using Lamina.Server;

namespace Lamina.Tests.Unit;

public class FirstPasswordTests
{
    [Fact]
    public void A_log_never_holds_the_first_password()
    {
        var line = Laminad.FirstPasswordLine("s3cret", isLogged: true, "/var/lib/lamina");
        Assert.DoesNotContain("s3cret", line);
        Assert.Contains("/var/lib/lamina/admin-password", line);
    }

    [Fact]
    public void A_person_at_a_terminal_sees_it() =>
        Assert.Contains("s3cret", Laminad.FirstPasswordLine("s3cret", isLogged: false, "/var/lib/lamina"));
}
