using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.OpenApi;

namespace Lamina.Server.Http;

/// <summary>Completes one operation of the OpenAPI document from its endpoint's description.</summary>
internal static partial class OpenApiOperations
{
    public static void Complete(OpenApiOperation operation, EndpointDescription endpoint, OpenApiDocument document)
    {
        operation.Summary = endpoint.Summary;
        operation.OperationId = IdOf(endpoint);
        operation.Tags = new HashSet<OpenApiTagReference> { new(NounOf(endpoint), document) };
        operation.Parameters = [.. Parameters(endpoint)];
        if (endpoint.TakesMedia is { } media) operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType> { [media] = new OpenApiMediaType() },
        };
        AddMedia(operation, endpoint);
        MoveProblems(operation, endpoint);
        operation.AddExtension("x-lamina-permission", Text(Camel(endpoint.Permission.ToString())));
        if (endpoint.IsInstallationWide) operation.AddExtension("x-lamina-scope", Text("installation"));
        if (endpoint.Problems.Count > 0)
            operation.AddExtension("x-lamina-problems", new JsonNodeExtension(new JsonArray([.. endpoint.Problems.Select(code => JsonValue.Create(code))])));
        if (endpoint.Permission == Permission.Public) operation.Security = [];
    }

    private static IEnumerable<IOpenApiParameter> Parameters(EndpointDescription endpoint)
    {
        foreach (string name in PathParts().Matches(endpoint.Pattern).Select(match => match.Groups[1].Value))
            yield return Parameter(name, ParameterLocation.Path, "Id or name.");
        if (!endpoint.IsInstallationWide) yield return Parameter(
            "project", ParameterLocation.Query, endpoint.IsRead ? "Name of the project; default: default; * is every one that the caller may see." : "Name of the project; default: default.");
        foreach (var query in endpoint.Queries) yield return Parameter(query.Name, ParameterLocation.Query, query.Description);
        yield return Parameter(ApiHeaders.MinRevision, ParameterLocation.Header, "Answer from a state that holds this revision; after 2 s 503.");
        if (endpoint.IsIdempotent) yield return Parameter("Idempotency-Key", ParameterLocation.Header, "The same key and request again get the same object, for 24 h.");
        if (endpoint.Method == HttpMethods.Patch && endpoint.Takes is not null)
            yield return Parameter("If-Match", ParameterLocation.Header, "The ETag read before: changed meanwhile is 412.");
    }

    private static OpenApiParameter Parameter(string name, ParameterLocation location, string description) => new()
    {
        Name = name,
        In = location,
        Required = location == ParameterLocation.Path,
        Description = description,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
    };

    /// <summary>A stream beside a page, or bytes.</summary>
    private static void AddMedia(OpenApiOperation operation, EndpointDescription endpoint)
    {
        if (endpoint.AnswersMedia is not { } media || operation.Responses?.GetValueOrDefault(Status(endpoint.Status)) is not OpenApiResponse answer) return;
        answer.Content ??= new Dictionary<string, OpenApiMediaType>();
        answer.Content.TryAdd(media, new OpenApiMediaType());
    }

    /// <summary>One entry for every refusal: they all have the same body.</summary>
    private static void MoveProblems(OpenApiOperation operation, EndpointDescription endpoint)
    {
        if (operation.Responses is null || !operation.Responses.Remove("400", out var problem)) return;
        ((OpenApiResponse)problem).Description = endpoint.Problems.Count == 0
            ? "A refusal or failure."
            : $"A refusal or failure, among them: {string.Join(", ", endpoint.Problems)}.";
        operation.Responses["default"] = problem;
    }

    /// <summary><c>GET /v1/vms/{vm}</c> is <c>getVmsVm</c>; every operation has another.</summary>
    private static string IdOf(EndpointDescription endpoint) =>
        endpoint.Method.ToLowerInvariant() + string.Concat(Words().Matches(endpoint.Pattern).Select(match => match.Value).Where(word => word != "v1").Select(Pascal));

    private static string NounOf(EndpointDescription endpoint) =>
        endpoint.Pattern.Split('/', StringSplitOptions.RemoveEmptyEntries) is ["v1", var noun, ..] ? noun : "server";

    private static string Pascal(string word) => char.ToUpperInvariant(word[0]) + word[1..];

    private static string Camel(string word) => char.ToLowerInvariant(word[0]) + word[1..];

    private static string Status(int status) => status.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static JsonNodeExtension Text(string text) => new(JsonValue.Create(text));

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex PathParts();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Words();
}
