namespace Lamina.Engine.Qmp;

/// <summary>Every monitor command the engine sends. <see cref="All"/> is what the schema test walks.</summary>
public static class QmpCommands
{
    private static readonly QmpJson Json = QmpJson.Default;

    public static readonly QmpCommand<QmpCapabilitiesArguments, QmpNothing> QmpCapabilities =
        new("qmp_capabilities", Json.QmpCapabilitiesArguments, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, StatusInfo> QueryStatus = new("query-status", Json.QmpNothing, Json.StatusInfo);
    public static readonly QmpCommand<QmpNothing, QmpNothing> Continue = new("cont", Json.QmpNothing, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, QmpNothing> Stop = new("stop", Json.QmpNothing, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, QmpNothing> SystemReset = new("system_reset", Json.QmpNothing, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, QmpNothing> SystemPowerDown = new("system_powerdown", Json.QmpNothing, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, QmpNothing> Quit = new("quit", Json.QmpNothing, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, BalloonInfo> QueryBalloon = new("query-balloon", Json.QmpNothing, Json.BalloonInfo);
    public static readonly QmpCommand<BalloonArguments, QmpNothing> Balloon = new("balloon", Json.BalloonArguments, Json.QmpNothing);
    public static readonly QmpCommand<QueryBlockStatsArguments, BlockStats[]> QueryBlockStats =
        new("query-blockstats", Json.QueryBlockStatsArguments, Json.BlockStatsArray);
    /// <summary>Of the one property that is read so.</summary>
    public static readonly QmpCommand<QomGetArguments, BalloonGuestStats> GetGuestStats =
        new("qom-get", Json.QomGetArguments, Json.BalloonGuestStats);
    public static readonly QmpCommand<QomSetArguments, QmpNothing> SetNumber = new("qom-set", Json.QomSetArguments, Json.QmpNothing);
    public static readonly QmpCommand<QueryStatsArguments, StatsResult[]> QueryStats =
        new("query-stats", Json.QueryStatsArguments, Json.StatsResultArray);
    public static readonly QmpCommand<FdNameArguments, QmpNothing> GetFd = new("getfd", Json.FdNameArguments, Json.QmpNothing);
    public static readonly QmpCommand<FdNameArguments, QmpNothing> CloseFd = new("closefd", Json.FdNameArguments, Json.QmpNothing);
    public static readonly QmpCommand<AddClientArguments, QmpNothing> AddClient =
        new("add_client", Json.AddClientArguments, Json.QmpNothing);
    public static readonly QmpCommand<AddFdArguments, AddFdInfo> AddFd = new("add-fd", Json.AddFdArguments, Json.AddFdInfo);
    public static readonly QmpCommand<RemoveFdArguments, QmpNothing> RemoveFd = new("remove-fd", Json.RemoveFdArguments, Json.QmpNothing);
    public static readonly QmpCommand<ScreenDumpArguments, QmpNothing> ScreenDump = new("screendump", Json.ScreenDumpArguments, Json.QmpNothing);
    public static readonly QmpCommand<SendKeyArguments, QmpNothing> SendKey = new("send-key", Json.SendKeyArguments, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, BlockInfo[]> QueryBlock = new("query-block", Json.QmpNothing, Json.BlockInfoArray);
    public static readonly QmpCommand<QmpNothing, MachineInfo[]> QueryMachines =
        new("query-machines", Json.QmpNothing, Json.MachineInfoArray);
    public static readonly QmpCommand<QmpNothing, CpuDefinitionInfo[]> QueryCpuDefinitions =
        new("query-cpu-definitions", Json.QmpNothing, Json.CpuDefinitionInfoArray);
    public static readonly QmpCommand<DeviceListPropertiesArguments, ObjectPropertyInfo[]> DeviceListProperties =
        new("device-list-properties", Json.DeviceListPropertiesArguments, Json.ObjectPropertyInfoArray);

    public static readonly IReadOnlyList<QmpCommand> All =
    [
        QmpCapabilities, QueryStatus, Continue, Stop, SystemReset, SystemPowerDown, Quit, QueryBalloon, GetFd, CloseFd,
        AddFd, RemoveFd, ScreenDump, SendKey,
        AddClient, Balloon, QueryBlockStats, GetGuestStats, SetNumber, QueryStats, QueryBlock, QueryMachines, QueryCpuDefinitions, DeviceListProperties,
        .. QmpDeviceCommands.All,
    ];
}

/// <summary>Every event the engine reads.</summary>
public static class QmpEvents
{
    private static readonly QmpJson Json = QmpJson.Default;

    public static readonly QmpEventKind<ShutdownEventData> Shutdown = new("SHUTDOWN", Json.ShutdownEventData);
    public static readonly QmpEventKind<ShutdownEventData> Reset = new("RESET", Json.ShutdownEventData);
    public static readonly QmpEventKind<QmpNothing> Stop = new("STOP", Json.QmpNothing);
    public static readonly QmpEventKind<QmpNothing> Resume = new("RESUME", Json.QmpNothing);
    public static readonly QmpEventKind<BlockIoErrorEventData> BlockIoError = new("BLOCK_IO_ERROR", Json.BlockIoErrorEventData);
    public static readonly QmpEventKind<GuestPanickedEventData> GuestPanicked = new("GUEST_PANICKED", Json.GuestPanickedEventData);
    public static readonly QmpEventKind<WatchdogEventData> Watchdog = new("WATCHDOG", Json.WatchdogEventData);
    public static readonly QmpEventKind<DeviceDeletedEventData> DeviceDeleted = new("DEVICE_DELETED", Json.DeviceDeletedEventData);

    public static readonly IReadOnlyList<QmpEventKind> All =
        [Shutdown, Reset, Stop, Resume, BlockIoError, GuestPanicked, Watchdog, DeviceDeleted, .. QmpDeviceEvents.All];
}
