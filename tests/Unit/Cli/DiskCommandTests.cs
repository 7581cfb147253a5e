using System.CommandLine;
using Xunit;

namespace Lamina.Tests.Unit.Cli;

/// <summary>What is said of a disk by <c>disk</c> and by <c>vm disk</c>: one thing, in two orders.</summary>
public sealed class DiskCommandTests
{
    private static readonly RootCommand Root = Commands.Build();

    [Theory]
    [InlineData("attach")]
    [InlineData("detach")]
    public void Both_ways_to_say_it_take_the_same_options(string verb) =>
        Assert.Equal(Verb(Root, "vm", "disk", verb).Options.Select(option => option.Name), Verb(Root, "disk", verb).Options.Select(option => option.Name));

    [Theory]
    [InlineData("disk attach data web1", true)]
    [InlineData("disk attach data", false)]
    [InlineData("disk detach data", true)]
    [InlineData("disk detach data web1 --delete --yes", true)]
    [InlineData("disk detach", false)]
    [InlineData("disk detach data web1 web2", false)]
    public void The_VM_is_named_where_nobody_else_can_know_it(string line, bool isRight) => Assert.Equal(isRight, Root.Parse(line).Errors.Count == 0);

    private static Command Verb(Command command, params string[] path) =>
        path.Aggregate(command, (known, name) => known.Subcommands.First(inner => inner.Name == name));
}
