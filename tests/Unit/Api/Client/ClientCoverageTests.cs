using System.Net;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Lamina.Api.Client;
using Lamina.Testing;

namespace Lamina.Tests.Unit.Api.Client;

/// <summary>The client knows every endpoint of the published description, and asks for nothing that is not in it.</summary>
public sealed partial class ClientCoverageTests
{
    /// <summary>Reached otherwise: <see cref="CaPin"/>, the WebSocket of a ticket, and what only monitors ask.</summary>
    private static readonly string[] Elsewhere = ["GET /healthz", "GET /v1/ca", "GET /v1/vms/{}/console/serial", "GET /v1/vms/{}/console/vnc"];

    /// <summary>Of a slot or a rule; known again in the paths.</summary>
    private const int Number = 4711;

    [Fact]
    public async Task TheClientAndTheDescriptionAgree()
    {
        var described = Described();
        var asked = await AskedAsync();
        Assert.Empty(asked.Except(described));
        Assert.Empty(described.Except(asked).Except(Elsewhere));
    }

    private static HashSet<string> Described()
    {
        var document = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "docs", "openapi.json")))!;
        return [.. document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(method => $"{method.Key.ToUpperInvariant()} {Parameter().Replace(path.Key, "{}")}"))];
    }

    private static async Task<HashSet<string>> AskedAsync()
    {
        var stop = new CancellationTokenSource();
        var line = new FakeLine(request =>
        {
            // Following never ends by itself.
            if (request.Headers.Accept.ToString().Contains("event-stream", StringComparison.Ordinal)) stop.Cancel();
            var answer = FakeLine.Json("{}");
            answer.Headers.Add("Upload-Offset", "0");
            return answer;
        });
        using var client = new LaminaClient(new ApiConnection(new LaminaClientOptions { Address = new Uri("https://server") }, line));
        foreach (var noun in typeof(LaminaClient).GetProperties().Where(property => property.Name != nameof(LaminaClient.Connection)).Select(property => property.GetValue(client)!))
        {
            foreach (var method in noun.GetType().GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(method => !method.IsSpecialName))
            {
                stop = new CancellationTokenSource();
                await CallAsync(noun, method, stop.Token);
            }
        }

        return [.. line.Requests.Select(request => $"{request.Method} {Argument().Replace(request.Path.Split('?')[0], "/{}")}")];
    }

    private static async Task CallAsync(object noun, MethodInfo method, CancellationToken token)
    {
        object?[] arguments = [.. method.GetParameters().Select(parameter => parameter.Name == "ifMatch" ? null : Example(parameter.ParameterType, token))];
        try
        {
            object result = method.Invoke(noun, arguments)!;
            if (result is Task task) await task;
            else await (Task)typeof(ClientCoverageTests).GetMethod(nameof(BeginAsync), BindingFlags.NonPublic | BindingFlags.Static)!
                .MakeGenericMethod(result.GetType().GetInterfaces().Single(type => type.Name == "IAsyncEnumerable`1").GetGenericArguments()).Invoke(null, [result])!;
        }
        catch (Exception failure) when (failure is LaminaUnreachableException or LaminaException or OperationCanceledException or TargetInvocationException)
        {
            // The answers are empty: only what is asked counts.
        }
    }

    private static async Task BeginAsync<T>(IAsyncEnumerable<T> sequence)
    {
        await using var items = sequence.GetAsyncEnumerator();
        await items.MoveNextAsync();
    }

    private static object? Example(Type type, CancellationToken token) => type switch
    {
        _ when type == typeof(string) => "argument",
        _ when type == typeof(CancellationToken) => token,
        _ when type == typeof(int) => Number,
        _ when type == typeof(Stream) => OneByte(),
        _ when type == typeof(IReadOnlyList<string>) => new[] { "vms" },
        _ when type.IsEnum => Activator.CreateInstance(type),
        _ when type.IsInterface || typeof(Delegate).IsAssignableFrom(type) => null,
        _ => RuntimeHelpers.GetUninitializedObject(type),
    };

    private static MemoryStream OneByte()
    {
        var stream = new MemoryStream();
        stream.WriteByte(0);
        return stream;
    }

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();

    [GeneratedRegex("/(?:argument|4711)(?=/|$)")]
    private static partial Regex Argument();
}
