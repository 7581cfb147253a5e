using Lamina.Api;
using Lamina.Cli;
using Lamina.Cli.Networks;
using Lamina.Cli.Vms;

namespace Lamina.Tests.Unit.Cli;

public sealed class NetworkTextTests
{
    [Theory]
    [InlineData("8080")]
    [InlineData("8080::80")]
    [InlineData("eighty:web:80")]
    [InlineData("8010-8000:web")]
    [InlineData("8000-8010:web:1-2")]
    [InlineData("1:2:3:4")]
    public void AForwardThatIsNoneIsRefused(string text) => Assert.Equal(ExitCode.Usage, Assert.Throws<CliException>(() => ForwardCommands.Parse(text)).ExitCode);

    [Theory]
    [InlineData("8080:web1:80", 8080, null, 80)]
    [InlineData("8080:web1", 8080, null, 8080)]
    [InlineData("8000-8010:web1:9000", 8000, 11, 9000)]
    [InlineData("8000-8010:web1:9000-9010", 8000, 11, 9000)]
    [InlineData("8000-8010:web1", 8000, 11, 8000)]
    public void AForwardIsReadAsPeopleWriteIt(string text, int port, int? count, int vmPort) =>
        Assert.Equal(new ForwardCreate { Vm = "web1", Port = port, Count = count, VmPort = vmPort }, ForwardCommands.Parse(text));

    [Fact]
    public void ACardIsReadAsPeopleWriteIt()
    {
        Assert.Equal(new VmNicCreate { Kind = NicKind.Network, Network = "lab", Address = "10.10.0.5" }, NicOption.Parse("network=lab,address=10.10.0.5"));
        Assert.Equal(new VmNicCreate { Kind = NicKind.Network, Network = "lab", Mac = "52:54:00:00:00:01", Model = NicModel.E1000 }, NicOption.Parse("lab,mac=52:54:00:00:00:01,model=e1000"));
        Assert.Equal(new VmNicCreate { Kind = NicKind.User }, NicOption.Parse("user"));
        Assert.Throws<CliException>(() => NicOption.Parse("network=lab,adress=1"));
        Assert.Throws<CliException>(() => NicOption.Parse("network=lab,model=rtl"));
    }
}
