using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server;
using Lamina.Server.Auth;

namespace Lamina.Tests.Unit.Auth;

public sealed class ViewRulesTests
{
    private static readonly SavedView View = new() { Table = "vms", Name = "Mine / 내 것", Query = "filter=web&sort=-memory" };

    [Fact]
    public void EveryProblemIsToldAtOnce()
    {
        var bad = new SavedView { Table = "No Table", Name = " ", Query = new string('x', ViewRules.QueryLength + 1) };
        var refusal = Assert.Throws<InputException>(() => ViewRules.With(new SavedViews(), bad));
        Assert.Equal(["$.table", "$.name", "$.query"], refusal.Problems.Select(problem => problem.Path));
        Assert.Throws<InputException>(() => ViewRules.With(new SavedViews(), View with { Name = "two\nlines" }));
    }

    [Fact]
    public void OneOfTheSameNameInTheSameTableIsReplaced()
    {
        var views = ViewRules.With(ViewRules.With(ViewRules.With(new SavedViews(), View), View with { Table = "hosts" }), View with { Query = "sort=name" });
        Assert.Equal([View with { Table = "hosts" }, View with { Query = "sort=name" }], views.Views);
        Assert.Equal([View with { Table = "hosts" }], ViewRules.Without(views, "vms", View.Name).Views);
    }

    [Fact]
    public void ThereAreNotMoreThanTheStoreTakes()
    {
        var full = new SavedViews { Views = [.. Enumerable.Range(0, ViewRules.Most).Select(number => View with { Name = $"view {number}" })] };
        Assert.Equal("view.tooMany", Assert.Throws<ProblemException>(() => ViewRules.With(full, View)).Code);
        Assert.Equal(ViewRules.Most, ViewRules.With(full, View with { Name = "view 7" }).Views.Count);
        var wide = new SavedViews { Views = [.. Enumerable.Range(0, 30).Select(number => new SavedView { Table = "vms", Name = $"{number}", Query = new string('x', ViewRules.QueryLength - 100) })] };
        Assert.Equal("view.tooMany", Assert.Throws<ProblemException>(() => ViewRules.With(wide, View with { Query = new string('x', ViewRules.QueryLength) })).Code);
    }
}
