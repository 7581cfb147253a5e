using System.Text.Json.Serialization;

namespace Lamina.Engine.Qmp;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QmpNothing))]
[JsonSerializable(typeof(QmpCapabilitiesArguments))]
[JsonSerializable(typeof(StatusInfo))]
[JsonSerializable(typeof(BalloonInfo))]
[JsonSerializable(typeof(FdNameArguments))]
[JsonSerializable(typeof(AddClientArguments))]
[JsonSerializable(typeof(BlockInfo[]))]
[JsonSerializable(typeof(MachineInfo[]))]
[JsonSerializable(typeof(CpuDefinitionInfo[]))]
[JsonSerializable(typeof(DeviceListPropertiesArguments))]
[JsonSerializable(typeof(ObjectPropertyInfo[]))]
[JsonSerializable(typeof(QueryBlockStatsArguments))]
[JsonSerializable(typeof(BlockStats[]))]
[JsonSerializable(typeof(BalloonArguments))]
[JsonSerializable(typeof(QomGetArguments))]
[JsonSerializable(typeof(QomSetArguments))]
[JsonSerializable(typeof(BalloonGuestStats))]
[JsonSerializable(typeof(QueryStatsArguments))]
[JsonSerializable(typeof(StatsResult[]))]
[JsonSerializable(typeof(ShutdownEventData))]
[JsonSerializable(typeof(BlockIoErrorEventData))]
[JsonSerializable(typeof(GuestPanickedEventData))]
[JsonSerializable(typeof(DeviceDeletedEventData))]
internal sealed partial class QmpJson : JsonSerializerContext;
