using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Lamina.Server;

/// <summary>YAML (core schema) as JSON nodes, so that one checker serves both.</summary>
internal static class YamlNodes
{
    /// <exception cref="YamlException">A key is no text, or nodes refer to themselves.</exception>
    public static JsonNode? ToJson(YamlNode node) => ToJson(node, 0);

    private static JsonNode? ToJson(YamlNode node, int depth)
    {
        // Aliases may form a circle or unfold without end.
        if (depth > 32) throw new YamlException(node.Start, node.End, "The content is nested too deeply.");
        return node switch
        {
            YamlMappingNode mapping => Members(mapping, depth),
            YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(child => ToJson(child, depth + 1))]),
            YamlScalarNode scalar => Scalar(scalar),
            _ => throw new YamlException(node.Start, node.End, "This kind of node is not understood."),
        };
    }

    private static JsonObject Members(YamlMappingNode mapping, int depth)
    {
        var members = new JsonObject();
        foreach (var (key, value) in mapping.Children)
        {
            if (key is not YamlScalarNode { Value: { } name }) throw new YamlException(key.Start, key.End, "A key must be plain text.");
            members[name] = ToJson(value, depth + 1);
        }

        return members;
    }

    private static JsonValue? Scalar(YamlScalarNode scalar)
    {
        string text = scalar.Value ?? "";
        if (scalar.Style != ScalarStyle.Plain) return JsonValue.Create(text);
        return text switch
        {
            "" or "~" or "null" or "Null" or "NULL" => null,
            "true" or "True" or "TRUE" => JsonValue.Create(true),
            "false" or "False" or "FALSE" => JsonValue.Create(false),
            _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole) => JsonValue.Create(whole),
            _ when double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number) => JsonValue.Create(number),
            _ => JsonValue.Create(text),
        };
    }
}
