using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lamina.Server.Support;

/// <summary>Takes the kernel's command line, in which people write passwords, out of a running VM's record (pure).</summary>
internal static class RunRecordRedaction
{
    public static string Apply(string json)
    {
        try
        {
            if (JsonNode.Parse(json) is not JsonObject record) return "";
            if (Member(record, "definition") is JsonObject definition && Member(definition, "kernel") is JsonObject kernel && Key(kernel, "commandLine") is { } line) kernel[line] = "(removed)";
            if (Member(record, "arguments") is JsonArray arguments)
            {
                int append = arguments.ToList().FindIndex(argument => (string?)argument == "-append");
                if (append >= 0 && append + 1 < arguments.Count) arguments[append + 1] = "(removed)";
            }

            return record.ToJsonString();
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private static JsonNode? Member(JsonObject node, string name) => Key(node, name) is { } key ? node[key] : null;

    private static string? Key(JsonObject node, string name) => node.Select(member => member.Key).FirstOrDefault(key => string.Equals(key, name, StringComparison.OrdinalIgnoreCase));
}
