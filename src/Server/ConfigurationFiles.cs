using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;

namespace Lamina.Server;

/// <summary>Reads <c>lamina.yaml</c>, then <c>conf.d/*.yaml</c> in the order of their names; later files win, member by member.</summary>
internal static class ConfigurationFiles
{
    /// <exception cref="ProblemException">Lists every problem of every file: the file, the path in it, and what is wrong.</exception>
    public static Configuration Read(string directory)
    {
        JsonNode merged = new JsonObject();
        var problems = new InputProblems();
        foreach (string file in FilesIn(directory))
        {
            if (YamlFile.Read(file, ConfigurationJson.Default.Configuration, problems) is { } part) merged = MergePatch.Apply(merged, part)!;
        }

        ConfigurationRules.Check(merged, directory, problems);
        if (problems.Any) throw new ProblemException(
            ProblemKind.Invalid, "configuration.invalid",
            "The configuration has problems:" + string.Concat(problems.Found.Select(problem => $"\n  {problem.Path}: {problem.Message}")),
            "Mend the files, then start again.");
        return InputReader.Read(merged, ConfigurationJson.Default.Configuration);
    }

    private static IEnumerable<string> FilesIn(string directory)
    {
        string main = Path.Combine(directory, "lamina.yaml");
        if (File.Exists(main)) yield return main;
        string parts = Path.Combine(directory, "conf.d");
        if (!Directory.Exists(parts)) yield break;
        foreach (string file in Directory.EnumerateFiles(parts, "*.yaml").Order(StringComparer.Ordinal)) yield return file;
    }
}
