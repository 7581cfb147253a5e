using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Auth;

/// <summary>What a user may keep of tables (pure).</summary>
internal static class ViewRules
{
    public const int Most = 100;
    public const int NameLength = 60;
    public const int QueryLength = 2000;

    /// <summary>All of a user's together, as they are stored.</summary>
    public const int MostBytes = StoreLimits.ValueBytes - (8 * 1024);

    /// <summary>With one more, or with another content of the one of that name.</summary>
    /// <exception cref="InputException">All problems, each with its path.</exception>
    public static SavedViews With(SavedViews present, SavedView view)
    {
        var problems = new InputProblems();
        Names.CheckLabel(view.Table, "$.table", problems);
        if (view.Name.Trim().Length == 0 || view.Name.Length > NameLength || view.Name.Any(char.IsControl))
            problems.Add("$.name", "view.name", $"The name of a view has 1 to {NameLength} characters and no control characters.");
        if (view.Query.Length > QueryLength || view.Query.Any(char.IsControl))
            problems.Add("$.query", "view.query", $"The query of a view has at most {QueryLength} characters and no control characters.");
        problems.ThrowIfAny();
        var views = present with { Views = [.. Without(present, view.Table, view.Name).Views, view] };
        if (views.Views.Count > Most || RecordJson.Write(views, Keys.Views.TypeInfo).Length > MostBytes)
            throw ProblemException.Conflict("view.tooMany", $"These are more views than are kept for a user: {Most}, with {MostBytes / 1024} KiB together.", "Delete those that are no longer used.");
        return views;
    }

    public static SavedViews Without(SavedViews present, string table, string name) =>
        present with { Views = [.. present.Views.Where(view => view.Table != table || view.Name != name)] };
}
