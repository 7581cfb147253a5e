namespace Lamina.Server.Images;

/// <summary>How an image is built on this host.</summary>
/// <param name="Name">As in <c>image build debian/12</c>.</param>
/// <param name="Script">File beside the daemon: <c>SCRIPT OUTPUT WORK</c>, with lines <c>progress PERCENT TEXT</c> on standard output.</param>
/// <param name="RoomBytes">What it needs at most while it works.</param>
/// <param name="Deadline">Generous: a slow mirror is no failure.</param>
internal sealed record ImageRecipe(string Name, string Script, long RoomBytes, TimeSpan Deadline);

/// <summary>The recipes of this daemon.</summary>
internal static class ImageRecipes
{
    public static IReadOnlyList<ImageRecipe> All { get; } =
        [new("debian/12", Path.Join(AppContext.BaseDirectory, "builders", "debian-12.sh"), 3L << 30, TimeSpan.FromHours(1))];

    public static ImageRecipe? Find(string name) => All.FirstOrDefault(recipe => recipe.Name == name);

    /// <summary>Reads a line <c>progress 42 configuring packages</c>; null: it is no such line.</summary>
    public static (int Percent, string Text)? ProgressOf(string line) =>
        line.Split(' ', 3) is ["progress", var number, var text] && int.TryParse(number, out var percent) && percent is >= 0 and <= 100
            ? (percent, text)
            : null;
}
