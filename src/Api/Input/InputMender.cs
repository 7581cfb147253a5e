using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Lamina.Api.Input;

/// <summary>
/// Makes a record of an input that has problems, only so that the rules of its room can look at the rest and every problem is reported at once: what
/// is wrong is left out, what is missing gets an empty value. Nothing may ever be done on its account.
/// </summary>
public static class InputMender
{
    /// <summary>Null: too little of it can be read.</summary>
    public static T? TryRead<T>(JsonNode? input, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return Mend(input, type)?.Deserialize(type);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The problems of the form, then those of the rules that are not about the same place, nor about what was left out.</summary>
    public static IReadOnlyList<InputProblem> Join(IReadOnlyList<InputProblem> form, IReadOnlyList<InputProblem> rules)
    {
        var left = form.Where(problem => problem.Code != "member.unknown").Select(problem => problem.Path).ToArray();
        return [.. form, .. rules.Where(rule => !left.Any(path => Touches(path, rule.Path)))];
    }

    private static bool Touches(string left, string right) =>
        left.StartsWith(right, StringComparison.Ordinal) || right.StartsWith(left, StringComparison.Ordinal);

    private static JsonNode? Mend(JsonNode? node, JsonTypeInfo type) => (type.Kind, node) switch
    {
        (JsonTypeInfoKind.Object, JsonObject members) => MendMembers(members, type),
        (JsonTypeInfoKind.Enumerable, JsonArray items) => MendItems(items, type),
        (JsonTypeInfoKind.Object or JsonTypeInfoKind.Enumerable, _) => null,
        _ => IsRight(node, type) ? node!.DeepClone() : null,
    };

    private static JsonObject? MendMembers(JsonObject members, JsonTypeInfo type)
    {
        var mended = new JsonObject();
        foreach (var member in type.Properties.Where(member => !member.IsExtensionData))
        {
            var memberType = type.Options.GetTypeInfo(Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType);
            if (Mend(members[member.Name], memberType) is { } right) mended[member.Name] = right;
            else if (member.IsRequired && Empty(memberType) is { } empty) mended[member.Name] = empty;
            else if (member.IsRequired) return null;
        }

        return mended;
    }

    private static JsonArray? MendItems(JsonArray items, JsonTypeInfo type)
    {
        var itemType = type.Options.GetTypeInfo(type.ElementType!);
        var mended = items.Select(item => Mend(item, itemType)).ToArray();
        return mended.Contains(null) ? null : new JsonArray(mended);
    }

    private static bool IsRight(JsonNode? node, JsonTypeInfo type)
    {
        var problems = new InputProblems();
        InputChecker.Check(node, type, "$", problems);
        return !problems.Any;
    }

    private static JsonNode? Empty(JsonTypeInfo type)
    {
        if (type.Kind == JsonTypeInfoKind.Enumerable) return new JsonArray();
        if (type.Type == typeof(string)) return JsonValue.Create("");
        return type.Type == typeof(int) || type.Type == typeof(long) ? JsonValue.Create(0) : null;
    }
}
