namespace Lamina.Tests.Unit.Architecture;

public sealed class RoomOrderTests
{
    [Fact]
    public void Each_room_uses_only_those_before_it() => Expect.None(Rooms.Violations(SourceTree.Product));

    [Fact]
    public void Every_folder_of_the_server_is_a_room() =>
        Assert.All(
            SourceTree.FilesIn("src/Server", "*.cs").Select(path => path.Split('/')).Where(parts => parts.Length > 3),
            parts => Rooms.Position(parts[2]));

    [Theory]
    [InlineData("using Lamina.Server.Vms;")]
    [InlineData("using Lamina.Server.Vms.Plans;")]
    [InlineData("using static Lamina.Server.Vms.VmPlan;")]
    [InlineData("using Plan = Lamina.Server.Vms.VmPlan;")]
    [InlineData("class X { object y = new Lamina.Server.Vms.VmPlan(); }")]
    [InlineData("class X { object y = new global::Lamina.Server.Vms.VmPlan(); }")]
    [InlineData("class X { object y = Server.Vms.VmPlan.Next(); }")]
    [InlineData("class X { object y = Vms.VmPlan.Next(); }")]
    [InlineData("class X { Vms.VmPlan? y; }")]
    [InlineData("class X { object y = typeof(Daemon); }")]
    public void A_use_of_a_later_room_is_seen(string code) => Assert.NotEmpty(Rooms.Violations([.. Later, InStore(code)]));

    [Theory]
    [InlineData("// Lamina.Server.Vms.VmPlan")]
    [InlineData("class X { string y = \"Lamina.Server.Vms.VmPlan\"; }")]
    [InlineData("class X { int Vms; int y => Vms.VmPlan2; }")]
    [InlineData("class X { Instance? aBasisOfAllRooms; }")]
    [InlineData("class X { /// <summary><see cref=\"Lamina.Server.Vms.VmPlan\"/></summary>\n int y; }")]
    public void What_only_looks_like_a_use_is_not(string code) => Assert.Empty(Rooms.Violations([.. Later, InStore(code)]));

    [Fact]
    public void A_later_room_may_use_an_earlier_one()
    {
        var store = InStore("class Keys;");
        var vms = SourceFile.Parse("Vms/X.cs", "using Lamina.Server.Store; namespace Lamina.Server.Vms; class X { Keys? y; Store.Keys? z; }");
        Assert.Empty(Rooms.Violations([store, vms]));
    }

    private static readonly SourceFile[] Later =
    [
        SourceFile.Parse("Vms/VmPlan.cs", "namespace Lamina.Server.Vms; class VmPlan;"),
        SourceFile.Parse("Vms/Plans/Other.cs", "namespace Lamina.Server.Vms.Plans; class Other;"),
        SourceFile.Parse("Daemon.cs", "namespace Lamina.Server; class Daemon { Vms.VmPlan? plan; }"),
        SourceFile.Parse("Instance.cs", "namespace Lamina.Server; class Instance;"),
    ];

    private static SourceFile InStore(string code)
    {
        var (usings, rest) = code.StartsWith("using", StringComparison.Ordinal) ? (code, "") : ("", code);
        return SourceFile.Parse("Store/X.cs", $"{usings}\nnamespace Lamina.Server.Store;\n{rest}");
    }
}
