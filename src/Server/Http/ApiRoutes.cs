namespace Lamina.Server.Http;

/// <summary>
/// The table of endpoints. A room maps its own in one place, the permission beside the handler:
/// <c>api.Get("/v1/vms/{vm}", Permission.View, "Shows a VM", Show).Answers(ApiJson.Default.Vm);</c>
/// </summary>
internal sealed class ApiRoutes(IEndpointRouteBuilder routes, ApiDispatcher dispatcher)
{
    private readonly List<EndpointDescription> _all = [];

    /// <summary>Every endpoint mapped so far.</summary>
    public IReadOnlyList<EndpointDescription> All => _all;

    public ApiEndpoint Get(string pattern, Permission permission, string summary, Func<ApiRequest, ApiAnswer> handler) =>
        Map(HttpMethods.Get, pattern, permission, summary, request => ValueTask.FromResult(handler(request)));

    public ApiEndpoint Get(string pattern, Permission permission, string summary, Func<ApiRequest, ValueTask<ApiAnswer>> handler) =>
        Map(HttpMethods.Get, pattern, permission, summary, handler);

    public ApiEndpoint Post(string pattern, Permission permission, string summary, Func<ApiRequest, ValueTask<ApiAnswer>> handler) =>
        Map(HttpMethods.Post, pattern, permission, summary, handler);

    public ApiEndpoint Put(string pattern, Permission permission, string summary, Func<ApiRequest, ValueTask<ApiAnswer>> handler) =>
        Map(HttpMethods.Put, pattern, permission, summary, handler);

    public ApiEndpoint Patch(string pattern, Permission permission, string summary, Func<ApiRequest, ValueTask<ApiAnswer>> handler) =>
        Map(HttpMethods.Patch, pattern, permission, summary, handler);

    public ApiEndpoint Delete(string pattern, Permission permission, string summary, Func<ApiRequest, ValueTask<ApiAnswer>> handler) =>
        Map(HttpMethods.Delete, pattern, permission, summary, handler);

    /// <summary>A handler that writes the response itself: streams, WebSockets, HEAD. Permission, project and revision are checked before it.</summary>
    public ApiEndpoint Raw(string method, string pattern, Permission permission, string summary, Func<ApiRequest, Task> handler)
    {
        var description = Describe(method, pattern, permission, summary);
        Add(description, http => dispatcher.RunRawAsync(http, description, handler));
        return new ApiEndpoint(description);
    }

    private ApiEndpoint Map(
        string method, string pattern, Permission permission, string summary, Func<ApiRequest, ValueTask<ApiAnswer>> handler)
    {
        var description = Describe(method, pattern, permission, summary);
        Add(description, http => dispatcher.RunAsync(http, description, handler));
        return new ApiEndpoint(description);
    }

    private static EndpointDescription Describe(string method, string pattern, Permission permission, string summary) =>
        new() { Method = method, Pattern = pattern, Permission = permission, Summary = summary };

    private void Add(EndpointDescription description, RequestDelegate handler)
    {
        _all.Add(description);
        // Annotated when the routes are built: the description is completed after the mapping.
        routes.MapMethods(description.Pattern, [description.Method], handler)
            .WithMetadata(description)
            .Add(builder => OpenApiDescription.Annotate(builder, description));
    }
}
