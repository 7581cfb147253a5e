using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Lamina.Api.Input;

/// <summary>
/// Reads what came from outside strictly: parsed to nodes, every node checked against the record's description collecting all problems,
/// only then turned into the record. The records themselves accept unknown members, so that a newer version's survive in the store.
/// </summary>
public static class InputReader
{
    private static readonly JsonDocumentOptions DocumentOptions = new() { AllowDuplicateProperties = false, MaxDepth = 32 };

    /// <summary>Bytes to nodes. An empty input is null.</summary>
    /// <exception cref="InputException">No JSON: says where.</exception>
    public static JsonNode? Parse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty) return null;
        try
        {
            return JsonNode.Parse(utf8, documentOptions: DocumentOptions);
        }
        catch (JsonException problem)
        {
            string where = problem.LineNumber is { } line ? $" (line {line + 1}, byte {problem.BytePositionInLine + 1})" : "";
            throw Invalid("$", "json.invalid", $"This is no JSON that can be read{where}: {FirstSentence(problem.Message)}");
        }
    }

    /// <summary>Checks and reads; every problem is reported.</summary>
    /// <exception cref="InputException">The list of all problems.</exception>
    public static T Read<T>(JsonNode? input, JsonTypeInfo<T> type)
        where T : class
    {
        var problems = new InputProblems();
        InputChecker.Check(input, type, "$", problems);
        problems.ThrowIfAny();
        try
        {
            return input!.Deserialize(type)!;
        }
        catch (JsonException problem)
        {
            throw Invalid(problem.Path ?? "$", "value.invalid", $"This value cannot be read: {FirstSentence(problem.Message)}");
        }
    }

    public static T Read<T>(ReadOnlySpan<byte> utf8, JsonTypeInfo<T> type)
        where T : class => Read(Parse(utf8), type);

    private static InputException Invalid(string path, string code, string message) =>
        new([new InputProblem { Path = path, Code = code, Message = message }]);

    private static string FirstSentence(string message)
    {
        int end = message.IndexOf(". ", StringComparison.Ordinal);
        return end < 0 ? message : message[..(end + 1)];
    }
}
