using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Engine.Qmp;

namespace Lamina.Tests.Integration.Engine;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower)]
[JsonSerializable(typeof(QmpNothing))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(UnknownMember))]
[JsonSerializable(typeof(MissingMember))]
[JsonSerializable(typeof(WrongType))]
[JsonSerializable(typeof(TooFewStates))]
internal sealed partial class QmpSchemaJson : JsonSerializerContext;
