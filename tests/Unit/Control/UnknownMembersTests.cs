using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;
using Lamina.Server.Control;
using Xunit;

namespace Lamina.Tests.Unit.Control;

/// <summary>A daemon that is older than the record must not lose what a newer one wrote (decision 13), however deep it lies.</summary>
public sealed class UnknownMembersTests
{
    private const string Future = "aMemberOfTheFuture";

    /// <summary>Every kind of record that there is, whether or not daemons mirror it.</summary>
    public static TheoryData<string> Kinds() => [.. All.Keys];

    private static SortedDictionary<string, RecordKind> All { get; } = new(
        typeof(Keys).GetNestedTypes(BindingFlags.NonPublic | BindingFlags.Public).Prepend(typeof(Keys))
            .SelectMany(type => type.GetProperties(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(property => typeof(RecordKind).IsAssignableFrom(property.PropertyType))
            .ToDictionary(property => $"{property.DeclaringType!.Name}.{property.Name}", property => (RecordKind)property.GetValue(null)!),
        StringComparer.Ordinal);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_a_newer_version_wrote_survives_that_an_older_one_reads_changes_and_writes_it(string name)
    {
        var kind = All[name];
        var written = SampleOf(kind.UntypedInfo, [])!.AsObject();
        StoredRecord read = kind.ReadRecord("key", JsonSerializer.SerializeToUtf8Bytes(written));
        var changed = read with { Schema = 4711 };
        var again = JsonNode.Parse(JsonSerializer.SerializeToUtf8Bytes(changed, kind.UntypedInfo))!;
        written["schema"] = 4711;
        Assert.Empty(Lost(written, again, "$"));
    }

    [Fact]
    public void Every_object_in_every_stored_record_keeps_the_members_it_does_not_know()
    {
        var losing = new SortedSet<string>(StringComparer.Ordinal);
        var seen = new HashSet<Type>();
        foreach (var kind in All.Values) Visit(kind.UntypedInfo);
        Assert.Empty(losing);
        Assert.Empty(Keys.Cached.Except(All.Values));

        void Visit(JsonTypeInfo info)
        {
            if (!seen.Add(info.Type)) return;
            if (info.ElementType is not null) Visit(info.Options.GetTypeInfo(info.ElementType));
            if (info.Kind != JsonTypeInfoKind.Object) return;
            if (!info.Properties.Any(property => property.IsExtensionData)) losing.Add(info.Type.Name);
            foreach (var property in info.Properties.Where(property => !property.IsExtensionData))
                Visit(info.Options.GetTypeInfo(property.PropertyType));
        }
    }

    /// <summary>A value with every member that this version knows, and one more in each object that it does not.</summary>
    private static JsonNode? SampleOf(JsonTypeInfo info, IReadOnlyList<Type> within)
    {
        if (within.Contains(info.Type)) return null;
        IReadOnlyList<Type> inner = [.. within, info.Type];
        JsonNode? Element() => SampleOf(info.Options.GetTypeInfo(info.ElementType!), inner);
        switch (info.Kind)
        {
            case JsonTypeInfoKind.Object:
                var sample = new JsonObject();
                foreach (var property in info.Properties.Where(property => !property.IsExtensionData))
                {
                    if (SampleOf(info.Options.GetTypeInfo(property.PropertyType), inner) is { } value) sample[property.Name] = value;
                }

                sample[Future] = new JsonObject { ["deep"] = new JsonArray(1, "two", null) };
                return sample;
            case JsonTypeInfoKind.Enumerable:
                return Element() is { } element ? new JsonArray(element) : new JsonArray();
            case JsonTypeInfoKind.Dictionary:
                return new JsonObject { ["one"] = Element() };
            default:
                return PlainOf(info);
        }
    }

    private static JsonNode? PlainOf(JsonTypeInfo info)
    {
        var type = Nullable.GetUnderlyingType(info.Type) ?? info.Type;
        if (type.IsEnum) return JsonSerializer.SerializeToNode(Enum.GetValues(type).GetValue(0), info.Options.GetTypeInfo(type));
        if (type == typeof(string)) return "text";
        if (type == typeof(bool)) return true;
        if (type == typeof(DateTimeOffset)) return "2026-11-23T12:00:00+00:00";
        if (type == typeof(byte[])) return "AQID";
        if (type == typeof(JsonObject) || type == typeof(JsonNode) || type == typeof(JsonElement)) return new JsonObject { ["any"] = 1 };
        if (type == typeof(double) || type == typeof(float)) return 1.5;
        return type.IsPrimitive ? 7 : throw new NotSupportedException($"say here what a {type} is like");
    }

    /// <summary>Paths of what is there no more, or otherwise.</summary>
    private static IEnumerable<string> Lost(JsonNode? before, JsonNode? after, string path) => (before, after) switch
    {
        (JsonObject left, JsonObject right) => left.SelectMany(member => Lost(member.Value, right[member.Key], $"{path}.{member.Key}")),
        (JsonArray left, JsonArray right) when left.Count == right.Count => left.SelectMany((item, index) => Lost(item, right[index], $"{path}[{index}]")),
        _ => JsonNode.DeepEquals(before, after) ? [] : [path],
    };
}
