using System.Text.Json.Nodes;
using Lamina.Linux;
using Lamina.Server;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Integration.Http;

/// <summary>The API's description: current, and complete for every endpoint.</summary>
public sealed class OpenApiTests
{
    private static readonly string[] Methods = ["get", "put", "post", "delete", "patch", "head"];

    [Fact]
    public async Task TheFileInDocsIsCurrent()
    {
        string current = await OpenApiCommand.DescribeAsync(BootTimeProvider.Shared);
        string kept = await File.ReadAllTextAsync(Repository.PathOf("docs", "openapi.json"), TestContext.Current.CancellationToken);
        Assert.True(current == kept, "docs/openapi.json is out of date: run 'laminad openapi --output docs/openapi.json' and look at the difference.");
    }

    [Fact]
    public async Task EveryOperationSaysWhatItNeedsTakesAndGives()
    {
        var document = JsonNode.Parse(await OpenApiCommand.DescribeAsync(BootTimeProvider.Shared))!;
        Assert.StartsWith("3.1", (string?)document["openapi"], StringComparison.Ordinal);
        var ids = new HashSet<string>();
        foreach (var (path, methods) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in methods!.AsObject().Where(entry => Methods.Contains(entry.Key)))
            {
                string where = $"{method} {path}";
                Assert.True(ids.Add((string)operation!["operationId"]!), $"{where}: its operationId is another's too");
                Assert.False(string.IsNullOrEmpty((string?)operation["summary"]), $"{where} has no summary");
                Assert.NotNull(operation["x-lamina-permission"]);
                var responses = operation["responses"]!.AsObject();
                Assert.True(responses.Any(response => response.Key[0] is '1' or '2'), $"{where} names no success");
                Assert.NotNull(responses["default"]?["content"]?["application/problem+json"]?["schema"]);
                foreach (string part in path.Split('/').Where(part => part.StartsWith('{')))
                    Assert.Contains(operation["parameters"]!.AsArray(), parameter => (string?)parameter!["in"] == "path" && (string?)parameter["name"] == part.Trim('{', '}'));
            }
        }
    }
}
