using Spectre.Console;
using Progress = Lamina.Cli.Progress;

namespace Lamina.Tests.Unit.Cli;

/// <summary>The one line that tells how far a job is, on terminals of any width.</summary>
public class ProgressTests
{
    private const string Words = "512 MiB sent, 512 MiB left, about 20 s to go, 50 MiB/s, 25 MiB/s written anew, pass 3";

    [Theory]
    [InlineData(160, "━━━━━━━━━━━━────────────  50% vm.migrate web1: " + Words)]
    [InlineData(125, "━━━━━─────  50% vm.migrate web1: " + Words)]
    [InlineData(110, "━━━━━─────  50% " + Words)]
    [InlineData(79, "━━━━━─────  50% 512 MiB sent, 512 MiB left, about 20 s to go, 50 MiB/s, 25 MiB…")]
    public void ANarrowTerminalLosesTheBarThenTheSubjectThenTheLastWords(int room, string shown) => Assert.Equal(shown, Progress.Line(50, Words, "vm.migrate web1", room));

    [Fact]
    public void WithoutAFigureThereIsNoBar() => Assert.Equal("disk: waiting", Progress.Line(null, "waiting", "disk", 79));

    [Theory]
    [InlineData(20)]
    [InlineData(21)]
    public void NothingIsWiderThanTheTerminal(int room) => Assert.InRange(Progress.Line(100, "가나다라마바사아자차카타파하", "호스트", room).GetCellWidth(), room - 1, room);
}
