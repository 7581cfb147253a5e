using Lamina.Cli.Vms;

namespace Lamina.Tests.Unit.Cli;

public class DetachKeyTests
{
    [Fact]
    public void What_is_typed_goes_to_the_guest() => Assert.Equal("ls\u0003"u8.ToArray(), new DetachKey().Filter("ls\u0003"u8));

    [Fact]
    public void The_key_and_another_leave() => Assert.Null(new DetachKey().Filter([DetachKey.Key, (byte)'q']));

    [Fact]
    public void The_key_is_remembered_between_reads()
    {
        var detach = new DetachKey();
        Assert.Empty(detach.Filter([DetachKey.Key])!);
        Assert.Null(detach.Filter("q"u8));
    }

    [Fact]
    public void The_key_twice_goes_to_the_guest_once() => Assert.Equal([DetachKey.Key], new DetachKey().Filter([DetachKey.Key, DetachKey.Key])!);
}
