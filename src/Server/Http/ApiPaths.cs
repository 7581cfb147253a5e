using Lamina.Api;

namespace Lamina.Server.Http;

/// <summary>Where objects are found: the values of Location headers.</summary>
internal static class ApiPaths
{
    public static string Operation(Operation operation) => Of("operations", operation.Id, operation.Project);

    /// <param name="nouns">The plural in the path: <c>vms</c>.</param>
    /// <param name="id">Id of the object.</param>
    /// <param name="project">Null for what belongs to no project.</param>
    public static string Of(string nouns, string id, string? project) =>
        project is null or ProjectRecord.DefaultProject
            ? $"/v1/{nouns}/{Uri.EscapeDataString(id)}"
            : $"/v1/{nouns}/{Uri.EscapeDataString(id)}?project={Uri.EscapeDataString(project)}";
}
