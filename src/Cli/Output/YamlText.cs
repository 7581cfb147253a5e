using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lamina.Cli.Output;

/// <summary>Writes JSON as YAML through the representation model, which needs no reflection.</summary>
internal static class YamlText
{
    public static string Render(JsonNode? node)
    {
        using var text = new StringWriter();
        new YamlStream(new YamlDocument(Convert(node))).Save(text, assignAnchors: false);
        var lines = text.ToString().Replace("\r\n", "\n", StringComparison.Ordinal);
        return lines.EndsWith("...\n", StringComparison.Ordinal) ? lines[..^4] : lines;
    }

    private static YamlNode Convert(JsonNode? node) => node switch
    {
        JsonObject members => new YamlMappingNode(members.SelectMany(m => new[] { new YamlScalarNode(m.Key), Convert(m.Value) })),
        JsonArray items => new YamlSequenceNode(items.Select(Convert)),
        null => new YamlScalarNode("null"),
        _ when node.GetValueKind() == JsonValueKind.String => Text(node.GetValue<string>()),
        _ => new YamlScalarNode(node.ToJsonString()),
    };

    /// <summary>A string that YAML would read as a number, a truth value or null is quoted.</summary>
    private static YamlScalarNode Text(string value)
    {
        var style = value.Contains('\n', StringComparison.Ordinal) ? ScalarStyle.Literal : LooksTyped(value) ? ScalarStyle.DoubleQuoted : ScalarStyle.Any;
        return new YamlScalarNode(value) { Style = style };
    }

    private static bool LooksTyped(string value) =>
        value is "" or "~" or "null" or "true" or "false" or "yes" or "no" or "on" or "off" or "Null" or "True" or "False" or "Yes" or "No" or "On" or "Off"
        || double.TryParse(value, out _) || char.IsAsciiDigit(value[0]);
}
