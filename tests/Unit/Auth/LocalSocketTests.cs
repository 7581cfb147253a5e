using Lamina.Server.Auth;

namespace Lamina.Tests.Unit.Auth;

public sealed class LocalSocketTests
{
    [Theory]
    [InlineData("", null)]
    [InlineData("lamina", null)]
    [InlineData("lamina:x:notanumber:", null)]
    [InlineData("laminax:x:5:", null)]
    [InlineData("root:x:0:\nlamina:x:998:ann,bob", 998u)]
    public void TheGroupIsFoundByItsWholeName(string lines, uint? id) => Assert.Equal(id, LocalSocket.FindGroup("lamina", lines.Split('\n')));
}
