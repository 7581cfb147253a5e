using System.CommandLine;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lamina.Api.Client;

namespace Lamina.Cli;

/// <summary><c>lamina api GET /v1/vms</c>: any request, for what no command covers.</summary>
internal static class ApiCommand
{
    public static Command Build()
    {
        var method = new Argument<string>("method") { Description = "GET, POST, PATCH or DELETE" };
        var path = new Argument<string>("path") { Description = "for example /v1/vms" };
        var data = new Option<string?>("--data", "-d") { Description = "JSON body; - reads standard input", HelpName = "json" };
        return CommandBuilder.Verb("api", "make any request of the API", [method, path, data], async (invocation, cancellationToken) =>
        {
            var verb = HttpMethod.Parse(invocation.Value(method).ToUpperInvariant());
            var body = invocation.Value(data) == "-" ? await Console.In.ReadToEndAsync(cancellationToken) : invocation.Value(data);
            var request = new ApiRequest(verb, invocation.Value(path)) { Content = body is null ? null : () => Body(verb, body) };
            using var response = await invocation.Client.Connection.SendAsync(request, cancellationToken);
            Print(invocation, await response.Content.ReadAsStringAsync(cancellationToken));
        });
    }

    private static StringContent Body(HttpMethod verb, string body) =>
        new(body, Encoding.UTF8, new MediaTypeHeaderValue(verb == HttpMethod.Patch ? "application/merge-patch+json" : "application/json"));

    private static void Print(Invocation invocation, string text)
    {
        if (text.Length == 0) return;
        try
        {
            invocation.Printer.Structure(JsonNode.Parse(text));
        }
        catch (JsonException)
        {
            invocation.Printer.Text(text);
        }
    }
}
