using Lamina.Linux.Processes;
using Xunit;

namespace Lamina.Tests.Unit.Linux;

public sealed class OwnMemoryTests
{
    private const string Program = "/usr/lib/lamina/laminad";

    [Theory]
    [InlineData("")]
    [InlineData("7f6c-7f6d r-xp 00000000 fe:00 12 /usr/lib/x86_64-linux-gnu/libc.so.6\n")]
    [InlineData("7f6c-7f6d r-xp 00000000 fe:00 12 /usr/lib/lamina/laminad.old\n")]
    [InlineData("7f6c-7f6d rw-p 00000000 00:00 0 \n7ffd-7ffe r-xp 00000000 00:00 0 [vdso]\n")]
    [InlineData("1000-2000 rw-p 00000000 fe:00 12 /usr/lib/lamina/laminad\n2000-3000 r-xp 00001000 fe:00 12 /usr/lib/lamina/laminad\n")]
    public void What_is_no_unchanged_part_of_the_program_is_left_alone(string maps) => Assert.Empty(OwnMemory.UnchangedParts(maps, Program));

    /// <summary>The third holds the runtime's stack cookie; the last two are what the dynamic linker and the program have written.</summary>
    [Fact]
    public void Code_and_what_lies_before_it_are_unchanged()
    {
        const string Maps = """
            5589be00f000-5589bed87000 r--p 00000000 fe:00 1190 /usr/lib/lamina/laminad
            Rss:                1024 kB
            Anonymous:             0 kB
            VmFlags: rd mr mw me
            5589bed88000-5589bf20f000 r--p 00d79000 fe:00 1190 /usr/lib/lamina/laminad
            Anonymous:             0 kB
            5589bf20f000-5589bf210000 r--p 01200000 fe:00 1190 /usr/lib/lamina/laminad
            Private_Dirty:         4 kB
            Anonymous:             4 kB
            5589bf210000-5589c0199000 r-xp 01200000 fe:00 1190 /usr/lib/lamina/laminad
            Anonymous:             0 kB
            5589c0199000-5589c019c000 r--p 02188000 fe:00 1190 /usr/lib/lamina/laminad
            Anonymous:             0 kB
            5589c019c000-5589c023c000 rw-p 0218a000 fe:00 1190 /usr/lib/lamina/laminad
            Anonymous:           640 kB
            5589c6851000-5589c6918000 rw-p 00000000 00:00 0 [heap]
            Anonymous:           796 kB
            """;
        (ulong, ulong)[] expected = [(0x5589be00f000, 0xd78000), (0x5589bed88000, 0x487000), (0x5589bf210000, 0xf89000)];
        Assert.Equal(expected, OwnMemory.UnchangedParts(Maps, Program));
    }

    [Fact]
    public void The_process_goes_on_afterwards()
    {
        OwnMemory.GiveBack();
        Assert.Equal("{\"a\":1}", System.Text.Json.Nodes.JsonNode.Parse("""{ "a": 1 }""")!.ToJsonString());
    }
}
