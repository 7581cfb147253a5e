using Lamina.Engine.Qemu;

namespace Lamina.Tests.Unit.Engine.Qemu;

public class MachineTypesTests
{
    private static readonly string[] Names =
        ["pc", "q35", "none", "microvm", "isapc", "pc-q35-7.2", "pc-q35-10.0", "pc-q35-9.2", "pc-i440fx-2.12", "pc-i440fx-7.2", "pc-q35-2.4.1", "pc-q35-rhel9.2.0"];

    [Fact]
    public void Only_versioned_types_count_newest_first() =>
        Assert.Equal(["pc-q35-10.0", "pc-q35-9.2", "pc-i440fx-7.2", "pc-q35-7.2", "pc-i440fx-2.12"], MachineTypes.Versioned(Names));

    [Theory]
    [InlineData(MachineTypes.Q35, "pc-q35-10.0")]
    [InlineData(MachineTypes.Pc, "pc-i440fx-7.2")]
    [InlineData("pc-other", null)]
    public void The_newest_is_by_number_and_not_by_letter(string family, string? expected) =>
        Assert.Equal(expected, MachineTypes.Newest(Names, family));
}
