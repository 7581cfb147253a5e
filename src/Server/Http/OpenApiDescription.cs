using System.Text;
using Lamina.Api;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Lamina.Server.Http;

/// <summary>OpenAPI 3.1 from the endpoints' own descriptions: what the dispatcher obeys is what is published.</summary>
internal static class OpenApiDescription
{
    public const string Name = "v1";
    private const string SchemeName = "bearer";

    public static void Add(IServiceCollection services) => services.AddOpenApi(Name, options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddDocumentTransformer((document, _, _) =>
        {
            Complete(document);
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<EndpointDescription>().FirstOrDefault() is { } endpoint)
                OpenApiOperations.Complete(operation, endpoint, context.Document!);
            return Task.CompletedTask;
        });
    });

    /// <summary><c>/openapi/v1.json</c>, for anybody.</summary>
    public static void Map(IEndpointRouteBuilder routes) => routes.MapOpenApi("/openapi/{documentName}.json");

    /// <summary>What the library asks of an endpoint before it lists it: a method, bodies, answers.</summary>
    public static void Annotate(EndpointBuilder builder, EndpointDescription endpoint)
    {
        builder.Metadata.Add(((Func<HttpContext, Task>)Listed).Method);
        if (endpoint.Takes is { } body) builder.Metadata.Add(new AcceptsMetadata(MediaTypesOf(endpoint), body.Type, endpoint.BodyIsOptional));
        if (endpoint.Answers is { } answer)
            builder.Metadata.Add(new ProducesResponseTypeMetadata(endpoint.Status, answer.Type, [endpoint.AnswersMedia == "text/event-stream" && endpoint.Pattern.EndsWith("watch", StringComparison.Ordinal) ? "text/event-stream" : "application/json"]));
        else
            builder.Metadata.Add(new ProducesResponseTypeMetadata(endpoint.Status, typeof(void)));
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status400BadRequest, typeof(Problem), [ProblemAnswers.MediaType]));
    }

    /// <summary>The same text at every build: ends in one line break.</summary>
    public static async Task<string> WriteAsync(IServiceProvider services)
    {
        var document = await services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name).GetOpenApiDocumentAsync();
        document.Servers?.Clear();
        using var buffer = new MemoryStream();
        await document.SerializeAsJsonAsync(buffer, OpenApiSpecVersion.OpenApi3_1);
        return Encoding.UTF8.GetString(buffer.ToArray()).ReplaceLineEndings("\n").TrimEnd('\n') + "\n";
    }

    private static string[] MediaTypesOf(EndpointDescription endpoint) =>
        endpoint.Method == HttpMethods.Patch ? ["application/merge-patch+json", "application/json"] : ["application/json"];

    private static void Complete(OpenApiDocument document)
    {
        document.Info = new OpenApiInfo { Title = "Lamina", Version = Name, Description = "Server virtualization: one server runs many operating systems." };
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [SchemeName] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "The token of a session (POST /v1/sessions) or an API token." },
        };
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(SchemeName, document)] = [] }];
    }

    private static Task Listed(HttpContext http) => Task.CompletedTask;
}
