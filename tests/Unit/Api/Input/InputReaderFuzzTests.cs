using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Lamina.Api;
using Lamina.Api.Input;
using Xunit;

namespace Lamina.Tests.Unit.Api.Input;

/// <summary>Whatever comes in: it is read, or refused with a list; nothing else happens. What is read says again what was written.</summary>
public class InputReaderFuzzTests
{
    private static readonly string[] Members =
        ["name", "project", "cpus", "memoryMiB", "firmware", "disks", "nics", "kernel", "cloudInit", "start", "tags", "limits", "sizeBytes", "kind", "bus", "x"];

    private static readonly string[] Words = ["uefi", "bios", "virtio", "network", "a", "", "é", "\ud800"];

    private static readonly Gen<JsonNode?> Scalar = Gen.OneOf<JsonNode?>(
        Gen.Const((JsonNode?)null),
        Gen.Bool.Select(value => (JsonNode?)JsonValue.Create(value)),
        Gen.Int.Select(value => (JsonNode?)JsonValue.Create(value)),
        Gen.Long.Select(value => (JsonNode?)JsonValue.Create(value)),
        Gen.Double[-1e9, 1e9].Select(value => (JsonNode?)JsonValue.Create(value)),
        Gen.OneOf([.. Words.Select(Gen.Const)]).Select(value => (JsonNode?)JsonValue.Create(value)),
        Gen.String.Select(value => (JsonNode?)JsonValue.Create(value)));

    private static readonly Gen<JsonNode?> Tree = Gen.Recursive<JsonNode?>((depth, inner) => depth > 3
        ? Scalar
        : Gen.Frequency(
            (3, Scalar),
            (1, inner.Array[0, 3].Select(items => (JsonNode?)new JsonArray([.. items.Select(item => item?.DeepClone())]))),
            (3, Gen.Select(Gen.OneOf([Gen.String, .. Members.Select(Gen.Const)]), inner).Array[0, 5].Select(Object))));

    [Fact]
    public void NothingButAListOfProblemsIsThrown() => Tree.Sample(
        node =>
        {
            byte[] bytes = Encoding.UTF8.GetBytes(node?.ToJsonString() ?? "null");
            try
            {
                var read = InputReader.Read(bytes, ApiJson.Default.VmCreate);
                var again = JsonSerializer.SerializeToNode(read, ApiJson.Default.VmCreate);
                Assert.Equal(read.Name, (string?)again!["name"]);
            }
            catch (InputException refused)
            {
                Assert.NotEmpty(refused.Problems);
                Assert.All(refused.Problems, problem => Assert.StartsWith("$", problem.Path));
            }
        },
        iter: 20_000);

    [Fact]
    public void AnyBytesAreAnswered() => Gen.Byte.Array[0, 200].Sample(
        bytes => Assert.Throws<InputException>(() => InputReader.Read(bytes, ApiJson.Default.VmCreate)),
        iter: 20_000);

    /// <summary>The checker and the reader agree: what passes the one is read by the other, so that no problem is found late and alone.</summary>
    [Fact]
    public void WhatPassesTheCheckIsRead() => Tree.Sample(
        node =>
        {
            var problems = new InputProblems();
            var parsed = JsonNode.Parse(node?.ToJsonString() ?? "null");
            InputChecker.Check(parsed, ApiJson.Default.VmUpdate, "$", problems);
            if (!problems.Any) Assert.NotNull(parsed.Deserialize(ApiJson.Default.VmUpdate));
        },
        iter: 20_000);

    private static JsonNode? Object((string Name, JsonNode? Value)[] members)
    {
        var result = new JsonObject();
        foreach (var (name, value) in members) result[name] = value?.DeepClone();
        return result;
    }
}
