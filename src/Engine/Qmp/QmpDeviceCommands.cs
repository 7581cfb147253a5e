namespace Lamina.Engine.Qmp;

/// <summary>The monitor's commands for what is plugged, unplugged and changed while a guest runs.</summary>
public static class QmpDeviceCommands
{
    private static readonly QmpJson Json = QmpJson.Default;

    public static readonly QmpCommand<DeviceAddArguments, QmpNothing> DeviceAdd = new("device_add", Json.DeviceAddArguments, Json.QmpNothing);
    public static readonly QmpCommand<DeviceIdArguments, QmpNothing> DeviceDelete = new("device_del", Json.DeviceIdArguments, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, FdsetInfo[]> QueryFdsets = new("query-fdsets", Json.QmpNothing, Json.FdsetInfoArray);
    public static readonly QmpCommand<NodeNameArguments, QmpNothing> BlockdevDelete = new("blockdev-del", Json.NodeNameArguments, Json.QmpNothing);
    public static readonly QmpCommand<FlatArguments, BlockDeviceInfo[]> QueryBlockNodes =
        new("query-named-block-nodes", Json.FlatArguments, Json.BlockDeviceInfoArray);
    public static readonly QmpCommand<BlockResizeArguments, QmpNothing> BlockResize = new("block_resize", Json.BlockResizeArguments, Json.QmpNothing);
    public static readonly QmpCommand<BlockThrottleArguments, QmpNothing> BlockThrottle =
        new("block_set_io_throttle", Json.BlockThrottleArguments, Json.QmpNothing);
    public static readonly QmpCommand<OpenTrayArguments, QmpNothing> OpenTray = new("blockdev-open-tray", Json.OpenTrayArguments, Json.QmpNothing);
    public static readonly QmpCommand<DeviceIdArguments, QmpNothing> CloseTray = new("blockdev-close-tray", Json.DeviceIdArguments, Json.QmpNothing);
    public static readonly QmpCommand<DeviceIdArguments, QmpNothing> RemoveMedium =
        new("blockdev-remove-medium", Json.DeviceIdArguments, Json.QmpNothing);
    public static readonly QmpCommand<InsertMediumArguments, QmpNothing> InsertMedium =
        new("blockdev-insert-medium", Json.InsertMediumArguments, Json.QmpNothing);
    public static readonly QmpCommand<DeviceIdArguments, QmpNothing> NetdevDelete = new("netdev_del", Json.DeviceIdArguments, Json.QmpNothing);
    public static readonly QmpCommand<SetLinkArguments, QmpNothing> SetLink = new("set_link", Json.SetLinkArguments, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, HotpluggableCpu[]> QueryHotpluggableCpus =
        new("query-hotpluggable-cpus", Json.QmpNothing, Json.HotpluggableCpuArray);
    public static readonly QmpCommand<QomPathArguments, ObjectPropertyInfo[]> QomList = new("qom-list", Json.QomPathArguments, Json.ObjectPropertyInfoArray);
    public static readonly QmpCommand<QomGetArguments, long> GetNumber = new("qom-get", Json.QomGetArguments, Json.Int64);

    public static readonly IReadOnlyList<QmpCommand> All =
    [
        DeviceAdd, DeviceDelete, QueryFdsets, BlockdevDelete, QueryBlockNodes, BlockResize, BlockThrottle, OpenTray, CloseTray,
        RemoveMedium, InsertMedium, NetdevDelete, SetLink, QueryHotpluggableCpus, QomList, GetNumber,
    ];

    public static readonly QmpCommand<TapNetdev, QmpNothing> NetdevAddTap = new("netdev_add", Json.TapNetdev, Json.QmpNothing);
    public static readonly QmpCommand<UserNetdev, QmpNothing> NetdevAddUser = new("netdev_add", Json.UserNetdev, Json.QmpNothing);
}

/// <summary>The events of what is plugged and unplugged.</summary>
public static class QmpDeviceEvents
{
    private static readonly QmpJson Json = QmpJson.Default;

    public static readonly QmpEventKind<TrayMovedEventData> TrayMoved = new("DEVICE_TRAY_MOVED", Json.TrayMovedEventData);
    public static readonly QmpEventKind<DeviceUnplugErrorEventData> UnplugError = new("DEVICE_UNPLUG_GUEST_ERROR", Json.DeviceUnplugErrorEventData);
    public static readonly QmpEventKind<MemorySizeEventData> MemorySize = new("MEMORY_DEVICE_SIZE_CHANGE", Json.MemorySizeEventData);

    public static readonly IReadOnlyList<QmpEventKind> All = [TrayMoved, UnplugError, MemorySize];
}
