using Lamina.Server;
using Xunit;

namespace Lamina.Tests.Unit.Server;

public class CommandLineTests
{
    [Theory]
    [InlineData("--instance")]
    [InlineData("--bogus")]
    [InlineData("serve")]
    [InlineData("store")]
    [InlineData("store", "sell", "x")]
    [InlineData("store", "backup")]
    [InlineData("store", "restore")]
    [InlineData("--data", "/x", "store", "check")]
    [InlineData("--data", "/x", "openapi")]
    public void WhatIsNotUnderstoodIsRefused(params string[] args) => Assert.Throws<CommandLineException>(() => CommandLine.Parse(args));

    [Fact]
    public void NothingServesTheDefaultInstance()
    {
        var line = CommandLine.Parse([]);
        Assert.Equal((CommandVerb.Serve, Instance.DefaultName), (line.Verb, line.Instance.Name));
    }

    [Fact]
    public void EveryFolderCanBeNamed()
    {
        var line = CommandLine.Parse(["--instance", "t1", "--data", "/d", "--run", "/r", "--config", "/c", "--log", "/l"]);
        Assert.Equal(
            new InstanceOptions { Name = "t1", DataDirectory = "/d", RunDirectory = "/r", ConfigurationDirectory = "/c", LogDirectory = "/l" },
            line.Instance);
    }

    [Fact]
    public void TheDescriptionOfTheApiGoesToAFile()
    {
        var line = CommandLine.Parse(["openapi", "--output", "f"]);
        Assert.Equal((CommandVerb.OpenApi, "f"), (line.Verb, line.File));
    }

    [Fact]
    public void NetworksAreTakenOffTheHost() => Assert.Equal(CommandVerb.RemoveNetworks, CommandLine.Parse(["remove-networks", "--instance", "t"]).Verb);

    [Fact]
    public void TheStoreIsCopiedRestoredAndChecked()
    {
        Assert.Equal((CommandVerb.StoreCheck, null), Read("store", "check"));
        Assert.Equal((CommandVerb.StoreBackup, "f"), Read("store", "backup", "f"));
        Assert.Equal((CommandVerb.StoreRestore, "f"), Read("store", "restore", "f", "--instance", "t"));

        static (CommandVerb, string?) Read(params string[] args) => (CommandLine.Parse(args).Verb, CommandLine.Parse(args).File);
    }

    [Fact]
    public async Task AStartThatFailsSaysWhyInWordsAndIsNotZero()
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        Assert.Equal(1, await Laminad.RunAsync(["--instance", "Bad Name"], TimeProvider.System, output, errors));
        Assert.StartsWith("laminad: 'Bad Name' is no name of an instance.", errors.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, await Laminad.RunAsync(["--bogus"], TimeProvider.System, output, errors));
    }
}
