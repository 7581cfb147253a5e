using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lamina.Engine.Qmp;

/// <summary>Enums on the monitor are written in kebab-case.</summary>
public sealed class KebabCaseEnumConverter<TEnum>() : JsonStringEnumConverter<TEnum>(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
    where TEnum : struct, Enum;

/// <summary>QEMU's RunState (qapi/run-state.json).</summary>
[JsonConverter(typeof(KebabCaseEnumConverter<RunState>))]
public enum RunState
{
    Debug,
    /// <summary>Waits for an incoming migration.</summary>
    [JsonStringEnumMemberName("inmigrate")]
    InMigrate,
    InternalError,
    /// <summary>Stopped by a disk error (werror/rerror=stop); a full pool is one.</summary>
    IoError,
    Paused,
    /// <summary>Its memory has left for another process: continuing it would run the guest twice.</summary>
    [JsonStringEnumMemberName("postmigrate")]
    PostMigrate,
    /// <summary>Created with -S and not yet continued.</summary>
    [JsonStringEnumMemberName("prelaunch")]
    PreLaunch,
    FinishMigrate,
    RestoreVm,
    Running,
    SaveVm,
    /// <summary>Powered off; the process waits to be told to quit.</summary>
    Shutdown,
    Suspended,
    Watchdog,
    GuestPanicked,
    Colo,
}
