namespace Lamina.Tests.Unit;

public class SmokeTests
{
    [Xunit.Fact]
    public void Runs() => Xunit.Assert.True(true);
}
