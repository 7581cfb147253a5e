using Lamina.Server;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Unit.Server;

public sealed class ConfigurationFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void EveryProblemOfEveryFileIsListedWithItsPlace()
    {
        Write("lamina.yaml", "api:\n  prot: 1\nlog: {level: loud}\n");
        Write("conf.d/10-more.yaml", "retention:\n  events: many\n");
        string message = Refused();
        Assert.Contains("lamina.yaml: $.api.prot: There is no 'prot' here; do you mean 'port'?", message, StringComparison.Ordinal);
        Assert.Contains("$.log.level: 'loud' is none of debug, information, warning, error", message, StringComparison.Ordinal);
        Assert.Contains("10-more.yaml: $.retention.events: Write a whole number", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("api: [", "lamina.yaml:2")]
    [InlineData("api: {port: 70000}", "$.api.port: Write a whole number from 1 to 65535.")]
    [InlineData("api: {addresses: [here]}", "'here' is no IP address")]
    [InlineData("pool: {path: disks}", "'disks' must begin with '/'")]
    [InlineData("network: {subnet: 192.168.0.1}", "is no network")]
    [InlineData("api: {port: 1, port: 2}", "lamina.yaml:1")]
    [InlineData("a: &a [*a]", "lamina.yaml:1")]
    [InlineData("- 1", "Write an object")]
    public void BadFilesAreRefused(string yaml, string expected)
    {
        Write("lamina.yaml", yaml);
        Assert.Contains(expected, Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void NothingIsNeeded()
    {
        Assert.Equal(new Configuration(), ConfigurationFiles.Read(_folder.File("absent")));
        Write("lamina.yaml", "# nothing\n");
        Assert.Equal(new Configuration(), ConfigurationFiles.Read(_folder.Path));
    }

    [Fact]
    public void LaterFilesWinMemberByMember()
    {
        Write("lamina.yaml", "api:\n  port: 1000\n  names: [a.example, \"1\"]\n");
        Write("conf.d/20.yaml", "api: {port: 3000}\nlog: {level: debug}\n");
        Write("conf.d/10.yaml", "api: {port: 2000}\n");
        Write("conf.d/ignored.txt", "api: {port: 4000}\n");
        var configuration = ConfigurationFiles.Read(_folder.Path);
        Assert.Equal(3000, configuration.Api!.Port);
        Assert.Equal(["a.example", "1"], configuration.Api.Names!);
        Assert.Equal(LogLevelName.Debug, configuration.Log!.Level);
    }

    private string Refused()
    {
        var refused = Assert.Throws<ProblemException>(() => ConfigurationFiles.Read(_folder.Path));
        Assert.Equal("configuration.invalid", refused.Code);
        return refused.Message;
    }

    private void Write(string name, string content)
    {
        string file = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, content);
    }
}
