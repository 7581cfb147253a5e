namespace Lamina.Server.OperatingSystems;

/// <summary>What is said of a short id that nobody knows.</summary>
internal static class OperatingSystemWords
{
    public static string Remedy(OperatingSystemCatalogue catalogue, string id)
    {
        var near = catalogue.Near(id);
        string hint = near.Count == 0 ? "" : $" Near it are {string.Join(", ", near)}.";
        return $"See those that are: lamina os list --all.{hint}";
    }
}
