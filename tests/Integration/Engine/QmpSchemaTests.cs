using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Engine.Qemu;
using Lamina.Engine.Qmp;

namespace Lamina.Tests.Integration.Engine;

/// <summary>
/// Every record that goes over the monitor, or to <c>-blockdev</c>, against what the installed QEMU says of itself
/// (query-qmp-schema): an unknown member, a wrong type or a missing argument fails here and not in front of a guest.
/// </summary>
public class QmpSchemaTests
{
    private static readonly QmpCommand<QmpNothing, JsonElement> QuerySchema =
        new("query-qmp-schema", QmpSchemaJson.Default.QmpNothing, QmpSchemaJson.Default.JsonElement);

    [Fact]
    public async Task Every_command_is_as_QEMU_knows_it()
    {
        var schema = await ReadSchemaAsync();
        foreach (var command in QmpCommands.All.Concat(QmpJobCommands.All).Concat(QmpMigrationCommands.All))
        {
            var known = schema.Find(command.Name, "command");
            schema.CheckSent(command.ArgumentsInfo, known.GetProperty("arg-type").GetString()!, $"{command.Name}.arguments");
            schema.CheckReceived(command.ResultInfo, known.GetProperty("ret-type").GetString()!, $"{command.Name}.return");
        }
    }

    [Fact]
    public async Task Every_event_is_as_QEMU_knows_it()
    {
        var schema = await ReadSchemaAsync();
        foreach (var kind in QmpEvents.All.Concat(QmpJobEvents.All).Concat(QmpMigrationEvents.All))
            schema.CheckReceived(kind.DataInfo, schema.Find(kind.Name, "event").GetProperty("arg-type").GetString()!, kind.Name);
    }

    [Fact]
    public async Task Block_nodes_are_as_QEMU_knows_them()
    {
        var schema = await ReadSchemaAsync();
        var options = schema.Find("blockdev-add", "command").GetProperty("arg-type").GetString()!;
        schema.CheckSent(BlockdevJson.Default.FileBlockdev, options, "blockdev", variant: "file");
        schema.CheckSent(BlockdevJson.Default.RawBlockdev, options, "blockdev", variant: "raw");
        schema.CheckSent(BlockdevJson.Default.Qcow2Blockdev, options, "blockdev", variant: "qcow2");
        schema.CheckSent(QmpMigrationCommands.AddNbdNode.ArgumentsInfo, options, "blockdev", variant: "nbd");
    }

    [Fact]
    public async Task Exports_and_credentials_are_as_QEMU_knows_them()
    {
        var schema = await ReadSchemaAsync();
        var export = schema.Find("block-export-add", "command").GetProperty("arg-type").GetString()!;
        schema.CheckSent(QmpMigrationCommands.AddExport.ArgumentsInfo, export, "export", variant: "nbd");
        var made = schema.Find("object-add", "command").GetProperty("arg-type").GetString()!;
        schema.CheckSent(QmpMigrationCommands.AddCredentials.ArgumentsInfo, made, "object", variant: "tls-creds-x509");
    }

    [Fact]
    public async Task Network_ends_are_as_QEMU_knows_them()
    {
        var schema = await ReadSchemaAsync();
        var options = schema.Find("netdev_add", "command").GetProperty("arg-type").GetString()!;
        schema.CheckSent(QmpDeviceCommands.NetdevAddTap.ArgumentsInfo, options, "netdev", variant: "tap");
        schema.CheckSent(QmpDeviceCommands.NetdevAddUser.ArgumentsInfo, options, "netdev", variant: "user");
    }

    [Fact]
    public async Task The_check_itself_finds_what_is_wrong()
    {
        var schema = await ReadSchemaAsync();
        void Finds(string expected, Action check) => Assert.Contains(expected, Assert.ThrowsAny<Exception>(check).Message, StringComparison.Ordinal);
        var addClient = schema.Find("add_client", "command").GetProperty("arg-type").GetString()!;
        Finds("QEMU knows no member", () => schema.CheckSent(QmpSchemaJson.Default.UnknownMember, addClient, "x"));
        Finds("the argument fdname is left out", () => schema.CheckSent(QmpSchemaJson.Default.MissingMember, addClient, "x"));
        Finds("is boolean", () => schema.CheckSent(QmpSchemaJson.Default.WrongType, addClient, "x"));
        var status = schema.Find("query-status", "command").GetProperty("ret-type").GetString()!;
        Finds("knows no value", () => schema.CheckReceived(QmpSchemaJson.Default.TooFewStates, status, "x"));
    }

    private static async Task<Schema> ReadSchemaAsync()
    {
        await using var host = new EngineHost();
        await using var vm = await host.Engine.StartPausedAsync(await host.BareAsync(), host.Deadline);
        return new Schema(await vm.ExecuteAsync(QuerySchema, QmpNothing.Instance, host.Deadline));
    }

    /// <summary>QAPI's introspection (docs/devel/qapi-code-gen): a flat list of named types that refer to each other.</summary>
    private sealed class Schema(JsonElement entries)
    {
        private readonly Dictionary<string, JsonElement> _byName =
            entries.EnumerateArray().ToDictionary(entry => entry.GetProperty("name").GetString()!);

        public JsonElement Find(string name, string metaType)
        {
            Assert.True(_byName.TryGetValue(name, out var entry), $"QEMU knows no {metaType} {name}");
            Assert.Equal(metaType, MetaType(entry));
            return entry;
        }

        public void CheckSent(JsonTypeInfo record, string type, string path, string? variant = null) => Check(record, type, path, isSent: true, variant);

        public void CheckReceived(JsonTypeInfo record, string type, string path) => Check(record, type, path, isSent: false, variant: null);

        private void Check(JsonTypeInfo record, string type, string path, bool isSent, string? variant)
        {
            var entry = _byName[type];
            switch (MetaType(entry))
            {
                case "object":
                    CheckObject(record, entry, path, isSent, variant);
                    break;
                case "array":
                    Assert.True(record.ElementType != null, $"{path}: QEMU has an array, the record {record.Type}");
                    Check(record.Options.GetTypeInfo(record.ElementType), entry.GetProperty("element-type").GetString()!, $"{path}[]", isSent, VariantOf(record.ElementType));
                    break;
                case "enum":
                    CheckEnum(record, entry, path, isSent);
                    break;
                case "alternate":
                    CheckAlternate(record, entry, path, isSent);
                    break;
                case "builtin":
                    CheckBuiltin(record.Type, entry.GetProperty("json-type").GetString()!, path);
                    break;
                default:
                    Assert.Fail($"{path}: a {MetaType(entry)} is no data");
                    break;
            }
        }

        /// <summary>Of the unions within records: a key is always named by its code, a peer by its address.</summary>
        private static string? VariantOf(Type type) =>
            type == typeof(QmpKey) ? "qcode"
            : type == typeof(NbdServerAddress) || type == typeof(NbdSocketAddress) ? "inet"
            : type == typeof(YankInstance) ? "block-node"
            : null;

        private void CheckObject(JsonTypeInfo record, JsonElement entry, string path, bool isSent, string? variant)
        {
            Assert.True(record.Kind == JsonTypeInfoKind.Object, $"{path}: QEMU has an object, the record {record.Type}");
            var members = Members(entry, variant);
            foreach (var property in record.Properties.Where(property => !property.IsExtensionData))
            {
                Assert.True(members.TryGetValue(property.Name, out var member), $"{path}: QEMU knows no member {property.Name}");
                // What may be absent must not be required of an answer.
                if (!isSent) Assert.False(property.IsRequired && member.TryGetProperty("default", out _), $"{path}.{property.Name} is optional in QEMU");
                var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                Check(record.Options.GetTypeInfo(type), member.GetProperty("type").GetString()!, $"{path}.{property.Name}", isSent, VariantOf(type));
            }
            if (!isSent) return;
            foreach (var name in members.Where(member => !member.Value.TryGetProperty("default", out _)).Select(member => member.Key))
                Assert.True(record.Properties.Any(property => property.Name == name), $"{path}: the argument {name} is left out");
        }

        private Dictionary<string, JsonElement> Members(JsonElement entry, string? variant)
        {
            var members = entry.GetProperty("members").EnumerateArray().ToDictionary(member => member.GetProperty("name").GetString()!);
            if (variant == null) return members;
            var chosen = entry.GetProperty("variants").EnumerateArray().Single(candidate => candidate.GetProperty("case").GetString() == variant);
            foreach (var (name, member) in Members(_byName[chosen.GetProperty("type").GetString()!], null)) members.Add(name, member);
            return members;
        }

        private static void CheckEnum(JsonTypeInfo record, JsonElement entry, string path, bool isSent)
        {
            // A string takes every value, also those of newer versions.
            if (record.Type == typeof(string)) return;
            Assert.True(record.Type.IsEnum, $"{path}: QEMU has an enum, the record {record.Type}");
            var theirs = entry.GetProperty("values").EnumerateArray().Select(value => value.GetString()!).ToHashSet();
            var ours = Enum.GetValues(record.Type).Cast<object>().Select(value => JsonSerializer.SerializeToElement(value, record).GetString()!).ToHashSet();
            Assert.All(ours, value => Assert.True(theirs.Contains(value), $"{path}: QEMU knows no value {value}"));
            if (!isSent) Assert.All(theirs, value => Assert.True(ours.Contains(value), $"{path}: the record knows no value {value}"));
        }

        // One of several forms: it is enough to be one of them.
        private void CheckAlternate(JsonTypeInfo record, JsonElement entry, string path, bool isSent)
        {
            // An element takes every form.
            if (record.Type == typeof(JsonElement)) return;
            var forms = entry.GetProperty("members").EnumerateArray().Select(member => member.GetProperty("type").GetString()!);
            Assert.True(forms.Any(form => Fits(record, form, path, isSent)), $"{path}: {record.Type} is none of the forms that QEMU takes");
        }

        private bool Fits(JsonTypeInfo record, string form, string path, bool isSent)
        {
            try
            {
                Check(record, form, path, isSent, null);
                return true;
            }
            catch (Xunit.Sdk.XunitException)
            {
                return false;
            }
        }

        private static void CheckBuiltin(Type type, string json, string path)
        {
            var fits = json switch
            {
                "string" => type == typeof(string),
                "boolean" => type == typeof(bool),
                "int" => type == typeof(int) || type == typeof(long),
                "number" => type == typeof(double),
                "null" => !type.IsValueType,
                _ => true,
            };
            Assert.True(fits, $"{path} is {json} in QEMU, {type} in the record");
        }

        private static string MetaType(JsonElement entry) => entry.GetProperty("meta-type").GetString()!;
    }
}

[SuppressMessage("Performance", "CA1812", Justification = "Only their JSON contracts are used.")]
internal sealed record UnknownMember
{
    public required string Protocol { get; init; }
    public required string Fdname { get; init; }
    public required string Colour { get; init; }
}

[SuppressMessage("Performance", "CA1812", Justification = "Only its JSON contract is used.")]
internal sealed record MissingMember
{
    public required string Protocol { get; init; }
}

[SuppressMessage("Performance", "CA1812", Justification = "Only its JSON contract is used.")]
internal sealed record WrongType
{
    public required string Protocol { get; init; }
    public required string Fdname { get; init; }
    public required string Skipauth { get; init; }
}

[SuppressMessage("Performance", "CA1812", Justification = "Only its JSON contract is used.")]
internal sealed record TooFewStates
{
    public required FewStates Status { get; init; }
}

[System.Text.Json.Serialization.JsonConverter(typeof(KebabCaseEnumConverter<FewStates>))]
internal enum FewStates
{
    Running,
}
