using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Lamina.Api.Input;

/// <summary>Checks single values (text, numbers, yes or no, times, words of an enum) and names their types for people.</summary>
internal static class Scalars
{
    public static void Check(JsonNode node, JsonTypeInfo type, string path, InputProblems problems)
    {
        var wanted = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        if (wanted.IsAssignableFrom(node.GetType()) || wanted == typeof(JsonElement)) return;
        var kind = node.GetValueKind();
        bool right = wanted == typeof(string) ? kind == JsonValueKind.String
            : wanted == typeof(bool) ? kind is JsonValueKind.True or JsonValueKind.False
            : IsNumber(wanted) ? kind == JsonValueKind.Number
            : wanted.IsEnum || IsTime(wanted) ? kind == JsonValueKind.String
            : CanRead(node, type);
        if (!right) problems.Add(path, "type.wrong", $"Write {Describe(type)}, not {DescribeFound(node)}.");
        else if (IsWhole(wanted)) CheckWhole(node, wanted, path, problems);
        else if (wanted.IsEnum) CheckWord(node.GetValue<string>(), wanted, path, problems);
        else if (!CanRead(node, type)) problems.Add(path, "value.invalid", $"This is not {Describe(type)}.");
    }

    /// <summary>What belongs here, in words: <c>text</c>, <c>a whole number</c>, <c>one of bios, uefi</c>.</summary>
    public static string Describe(JsonTypeInfo type)
    {
        var wanted = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
        return type.Kind switch
        {
            JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary => "an object { … }",
            JsonTypeInfoKind.Enumerable => "a list [ … ]",
            _ when wanted == typeof(string) => "text",
            _ when wanted == typeof(bool) => "true or false",
            _ when IsWhole(wanted) => "a whole number",
            _ when IsNumber(wanted) => "a number",
            _ when wanted.IsEnum => $"one of {string.Join(", ", Words(wanted))}",
            _ when IsTime(wanted) => "a time such as 2026-01-31T12:00:00Z",
            _ when wanted == typeof(JsonObject) => "an object { … }",
            _ => "another kind of value",
        };
    }

    public static string DescribeFound(JsonNode node) => node.GetValueKind() switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        _ => "null",
    };

    private static void CheckWhole(JsonNode node, Type wanted, string path, InputProblems problems)
    {
        (long least, long most) = wanted == typeof(int) ? (int.MinValue, int.MaxValue) : (long.MinValue, long.MaxValue);
        string text = node.ToJsonString();
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most) return;
        bool whole = text.All(character => char.IsAsciiDigit(character) || character == '-');
        if (whole) problems.Add(path, "value.outOfRange", $"Write a whole number from {least} to {most}.");
        else problems.Add(path, "type.wrong", "Write a whole number, without fraction or exponent.");
    }

    private static void CheckWord(string word, Type wanted, string path, InputProblems problems)
    {
        var words = Words(wanted);
        if (!words.Contains(word, StringComparer.Ordinal))
            problems.Add(path, "value.unknown", $"'{Suggestions.Shorten(word)}' is none of {string.Join(", ", words)}.");
    }

    private static string[] Words(Type wanted) => [.. Enum.GetNames(wanted).Select(JsonNamingPolicy.CamelCase.ConvertName)];

    private static bool IsWhole(Type type) => type == typeof(int) || type == typeof(long);

    private static bool IsNumber(Type type) => IsWhole(type) || type == typeof(double) || type == typeof(decimal);

    private static bool IsTime(Type type) => type == typeof(DateTimeOffset) || type == typeof(TimeSpan);

    private static bool CanRead(JsonNode node, JsonTypeInfo type)
    {
        try
        {
            node.Deserialize(type);
            return true;
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException or FormatException)
        {
            return false;
        }
    }
}
