using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

[JsonConverter(typeof(CamelCaseEnum<UplinkPhase>))]
internal enum UplinkPhase
{
    /// <summary>The card's addresses are on their way to the bridge.</summary>
    Applying,

    /// <summary>The bridge bears them.</summary>
    Applied,

    /// <summary>They are on their way back.</summary>
    Undoing,

    /// <summary>The card is as it was; kept, so that this try is not made again.</summary>
    RolledBack,
}

/// <summary>
/// What is being done to a physical card, and how it was before: on disk before the first step, so that whoever finds it after a crash can finish or undo it
/// without the store.
/// </summary>
internal sealed record UplinkIntent
{
    public required string Network { get; init; }
    public required string Device { get; init; }

    /// <summary>With dashes, as .NET reads it.</summary>
    public required string DeviceMac { get; init; }
    public required int MtuBytes { get; init; }
    public required string Bridge { get; init; }
    public required string BridgeOwner { get; init; }
    public required UplinkPhase Phase { get; init; }

    /// <summary>See <see cref="NetworkBridge.Attempt"/>.</summary>
    public required int Attempt { get; init; }

    /// <summary>Links, addresses and deadlines are of one boot of the host.</summary>
    public required string BootId { get; init; }

    /// <summary>On CLOCK_BOOTTIME, in nanoseconds (decision 7).</summary>
    public required long DeadlineNanoseconds { get; init; }

    /// <summary>What the card bore.</summary>
    public required LinkAddressing Addressing { get; init; }

    /// <summary>The kernel had made addresses of the card by a router's advertisements.</summary>
    public bool IsAutoconfigured { get; init; }

    /// <summary>Members of the cluster that this host reached before the move, and has not reached since.</summary>
    public IReadOnlyList<UplinkMember> Unreached { get; set; } = [];

    /// <summary>The cluster's store has not answered since the move.</summary>
    public bool AwaitsStore { get; init; }

    /// <summary>The host is as much a part of its cluster as it was before. Once so, it is not asked for again.</summary>
    [JsonIgnore]
    public bool IsProven => Unreached.Count == 0 && !AwaitsStore;

    /// <summary>Why it was rolled back.</summary>
    public Failure? Failure { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(UplinkIntent))]
internal sealed partial class UplinkJson : JsonSerializerContext;

/// <summary>The intents of one instance, a folder for each network, in its data: a reboot of the host must not lose them.</summary>
internal sealed class UplinkFiles(string root)
{
    private const string FileName = "uplink.json";
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public IReadOnlyList<string> Networks() => Directory.Exists(root)
        ? [.. Directory.EnumerateDirectories(root).Where(folder => File.Exists(Path.Combine(folder, FileName))).Select(folder => Path.GetFileName(folder))]
        : [];

    /// <summary>Null: there is none.</summary>
    public UplinkIntent? Read(string network) => File.Exists(PathOf(network))
        ? JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(network)), UplinkJson.Default.UplinkIntent)
        : null;

    public void Write(UplinkIntent intent)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(intent.Network))!);
        DurableFile.Write(PathOf(intent.Network), JsonSerializer.SerializeToUtf8Bytes(intent, UplinkJson.Default.UplinkIntent), Mode);
    }

    public void Delete(string network)
    {
        if (!Directory.Exists(Path.Combine(root, network))) return;
        Directory.Delete(Path.Combine(root, network), recursive: true);
        DurableFile.SyncDirectory(root);
    }

    private string PathOf(string network) => Path.Combine(root, network, FileName);
}
