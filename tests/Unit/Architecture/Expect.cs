namespace Lamina.Tests.Unit.Architecture;

internal static class Expect
{
    /// <summary>Fails with every line found: xunit's Assert.Empty would cut them.</summary>
    public static void None(IEnumerable<string> violations)
    {
        var all = string.Join('\n', violations.Distinct());
        if (all.Length > 0) Assert.Fail(all);
    }
}
