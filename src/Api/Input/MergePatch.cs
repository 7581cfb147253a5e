using System.Text.Json.Nodes;

namespace Lamina.Api.Input;

/// <summary>JSON merge patch (RFC 7396).</summary>
public static class MergePatch
{
    /// <summary>The target after the patch; neither argument is changed. Null in the patch removes a member; lists are replaced whole.</summary>
    public static JsonNode? Apply(JsonNode? target, JsonNode? patch)
    {
        if (patch is not JsonObject changes) return patch?.DeepClone();
        var result = target is JsonObject members ? (JsonObject)members.DeepClone() : [];
        foreach (var (name, value) in changes)
        {
            if (value is null) result.Remove(name);
            else result[name] = Apply(result[name], value);
        }

        return result;
    }
}
