using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api.Input;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lamina.Server;

/// <summary>A YAML file that a person wrote, checked against the record that it describes.</summary>
internal static class YamlFile
{
    /// <summary>Reads one file.</summary>
    /// <param name="file">Its path.</param>
    /// <param name="type">What it must describe.</param>
    /// <param name="problems">Gets every problem: the file, the line or the path in it, and what is wrong.</param>
    /// <returns>Null: empty, or it has problems.</returns>
    public static JsonNode? Read(string file, JsonTypeInfo type, InputProblems problems)
    {
        JsonNode? content;
        try
        {
            using var reader = new StreamReader(file);
            var yaml = new YamlStream();
            yaml.Load(reader);
            content = yaml.Documents.Count == 0 ? null : YamlNodes.ToJson(yaml.Documents[0].RootNode);
        }
        catch (YamlException problem)
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{file}:{problem.Start.Line}"), "yaml.invalid", problem.Message);
            return null;
        }

        if (content is null) return null;
        var own = new InputProblems();
        InputChecker.Check(content, type, "$", own);
        foreach (var problem in own.Found) problems.Add($"{file}: {problem.Path}", problem.Code, problem.Message);
        return own.Any ? null : content;
    }
}
