using Lamina.Api;
using Lamina.Api.Input;

namespace Lamina.Server.Images.Catalogue;

/// <summary>
/// The public images that this daemon knows: its own list, and over it the administrator's files. Read anew each time, so that an edit counts at once.
/// </summary>
/// <param name="builtIn">The file that comes with the daemon.</param>
/// <param name="folder">The administrator's: <c>/etc/lamina/catalogue.d</c>; need not be there.</param>
internal sealed class ImageCatalogue(string builtIn, string folder)
{
    public static string BuiltInFile { get; } = Path.Join(AppContext.BaseDirectory, "catalogue", "public.yaml");

    /// <summary>All entries in the order of their names.</summary>
    /// <exception cref="ProblemException">A file has problems: all of them, of every file.</exception>
    public IReadOnlyList<CatalogueEntry> Read()
    {
        var problems = new InputProblems();
        var entries = new SortedDictionary<string, CatalogueEntry>(StringComparer.Ordinal);
        foreach (string file in Files())
        {
            if (YamlFile.Read(file, CatalogueJson.Default.CatalogueFile, problems) is not { } content) continue;
            var images = InputReader.Read(content, CatalogueJson.Default.CatalogueFile).Images;
            for (int index = 0; index < images.Count; index++)
            {
                CatalogueRules.Check(images[index], $"{file}: $.images[{index}]", problems);
                entries[images[index].Name] = images[index];
            }
        }

        if (problems.Any) throw new ProblemException(
            ProblemKind.Unprocessable, "catalogue.invalid",
            "The image catalogue has problems:" + string.Concat(problems.Found.Select(problem => $"\n  {problem.Path}: {problem.Message}")),
            "Mend the files; they are read at each use.");
        return [.. entries.Values];
    }

    /// <summary>Null: there is no such entry.</summary>
    public CatalogueEntry? Find(string name) => Read().FirstOrDefault(entry => entry.Name == name);

    /// <summary>What is pulled for an entry.</summary>
    public static ImageSource SourceOf(CatalogueEntry entry) => new()
    {
        Catalogue = entry.Name,
        Url = entry.Folder + entry.File,
        ChecksumsUrl = entry.Folder + entry.Checksums,
    };

    private IEnumerable<string> Files()
    {
        yield return builtIn;
        if (!Directory.Exists(folder)) yield break;
        foreach (string file in Directory.EnumerateFiles(folder, "*.yaml").Order(StringComparer.Ordinal)) yield return file;
    }
}
