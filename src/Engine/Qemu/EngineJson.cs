using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lamina.Engine.Qemu;

/// <summary>The engine's own files: <c>definition.json</c> and the cache of what was probed.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters =
    [
        typeof(CamelCaseEnumConverter<Accelerator>), typeof(CamelCaseEnumConverter<FirmwareKind>),
        typeof(CamelCaseEnumConverter<DiskFormat>), typeof(CamelCaseEnumConverter<DiskBus>), typeof(CamelCaseEnumConverter<NicModel>),
        typeof(CamelCaseEnumConverter<VideoModel>), typeof(CamelCaseEnumConverter<CdromBus>), typeof(CamelCaseEnumConverter<WatchdogPolicy>),
    ])]
[JsonSerializable(typeof(RunRecord))]
[JsonSerializable(typeof(VmDefinition))]
[JsonSerializable(typeof(QemuProbeResult))]
internal sealed partial class EngineJson : JsonSerializerContext;

internal sealed class CamelCaseEnumConverter<TEnum>() : JsonStringEnumConverter<TEnum>(JsonNamingPolicy.CamelCase, allowIntegerValues: false)
    where TEnum : struct, Enum;
