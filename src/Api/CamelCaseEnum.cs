using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>Writes an enum as a camelCase string and refuses numbers: the order of members is no part of the API.</summary>
public sealed class CamelCaseEnum<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
    where T : struct, Enum;
