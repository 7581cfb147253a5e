namespace Lamina.Testing;

/// <summary>Where the sources and what was built of them lie, for tests that read files or run the real programs.</summary>
public static class Repository
{
    /// <summary>The folder of Lamina.slnx.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The daemon that `./dev test` published ahead of time (native AOT).</summary>
    public static string Laminad => Published("laminad");

    /// <summary>The command line, published likewise.</summary>
    public static string Lamina => Published("lamina");

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string Published(string name)
    {
        var path = PathOf("artifacts", "lamina", name);
        return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is missing: `./dev build` makes it", path);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Lamina.slnx"))) return folder.FullName;
        throw new DirectoryNotFoundException($"no folder above {AppContext.BaseDirectory} holds Lamina.slnx");
    }
}
