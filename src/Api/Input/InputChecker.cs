using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Lamina.Api.Input;

/// <summary>
/// Compares nodes with a record's description: unknown and missing members, wrong types, numbers out of range, unknown words of an enum, null
/// where none may be. What a value means (is there such an image?) is for the rules of its room.
/// </summary>
public static class InputChecker
{
    /// <summary>Adds every problem of <paramref name="node"/> and what is below it.</summary>
    public static void Check(JsonNode? node, JsonTypeInfo type, string path, InputProblems problems)
    {
        if (node is null)
        {
            if (Nullable.GetUnderlyingType(type.Type) is null) problems.Add(path, "value.null", $"Write {Scalars.Describe(type)}, not null.");
            return;
        }

        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object:
                if (Expect<JsonObject>(node, type, path, problems) is { } members) CheckMembers(members, type, path, problems);
                break;
            case JsonTypeInfoKind.Enumerable:
                if (Expect<JsonArray>(node, type, path, problems) is { } items) CheckItems(items, type, path, problems);
                break;
            case JsonTypeInfoKind.Dictionary:
                if (Expect<JsonObject>(node, type, path, problems) is { } entries) CheckEntries(entries, type, path, problems);
                break;
            default:
                Scalars.Check(node, type, path, problems);
                break;
        }
    }

    /// <summary>The path of a member: <c>$.name</c>, or <c>$['odd name']</c> when it is no plain word.</summary>
    public static string Member(string path, string name) =>
        name.Length > 0 && name.All(character => char.IsAsciiLetterOrDigit(character) || character == '_')
            ? $"{path}.{name}"
            : $"{path}['{name}']";

    private static T? Expect<T>(JsonNode node, JsonTypeInfo type, string path, InputProblems problems)
        where T : JsonNode
    {
        if (node is T right) return right;
        problems.Add(path, "type.wrong", $"Write {Scalars.Describe(type)}, not {Scalars.DescribeFound(node)}.");
        return null;
    }

    private static void CheckMembers(JsonObject members, JsonTypeInfo type, string path, InputProblems problems)
    {
        foreach (var (name, value) in members)
        {
            var member = type.Properties.FirstOrDefault(known => known.Name == name && !known.IsExtensionData);
            if (member is null) problems.Add(Member(path, name), "member.unknown", Unknown(name, type));
            else if (value is null && member.IsSetNullable && !member.IsRequired) continue;
            else Check(value, type.Options.GetTypeInfo(NotNullable(member)), Member(path, name), problems);
        }

        foreach (var member in type.Properties.Where(known => known.IsRequired && !members.ContainsKey(known.Name)))
        {
            string what = Scalars.Describe(type.Options.GetTypeInfo(NotNullable(member)));
            problems.Add(Member(path, member.Name), "member.missing", $"'{member.Name}' is needed: write {what}.");
        }
    }

    private static void CheckItems(JsonArray items, JsonTypeInfo type, string path, InputProblems problems)
    {
        var element = type.Options.GetTypeInfo(type.ElementType!);
        for (int index = 0; index < items.Count; index++)
            Check(items[index], element, string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]"), problems);
    }

    private static void CheckEntries(JsonObject entries, JsonTypeInfo type, string path, InputProblems problems)
    {
        var element = type.Options.GetTypeInfo(type.ElementType!);
        foreach (var (name, value) in entries) Check(value, element, Member(path, name), problems);
    }

    private static Type NotNullable(JsonPropertyInfo member) => Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;

    private static string Unknown(string name, JsonTypeInfo type)
    {
        var known = type.Properties.Where(member => !member.IsExtensionData).Select(member => member.Name).ToArray();
        string? near = Suggestions.Nearest(name, known);
        return near is null
            ? $"There is no '{Suggestions.Shorten(name)}' here; there are: {string.Join(", ", known)}."
            : $"There is no '{Suggestions.Shorten(name)}' here; do you mean '{near}'?";
    }
}
