using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Processes;
using Lamina.Server.Control;
using Lamina.Server.Events;

namespace Lamina.Server.Networks;

/// <summary>How a network's status comes about (pure).</summary>
internal static class NetworkStatuses
{
    /// <param name="spec">As recorded.</param>
    /// <param name="network">Null: the spec has no usable subnet.</param>
    /// <param name="error">Null: everything is in place.</param>
    /// <param name="uplink">Of a bridge to a card of the host.</param>
    public static NetworkStatus Make(NetworkSpec spec, PlannedNetwork? network, Exception? error, NetworkUplink? uplink = null) => new()
    {
        Up = network is not null && error is null && (uplink is null ? spec.Kind != NetworkKind.Bridge : uplink.State == UplinkState.Confirmed),
        Bridge = network?.Bridge,
        Overlay = error is null ? network?.Overlay?.Text : null,
        Uplink = uplink,
        Failure = network is null ? NoSubnet(spec)
            : error is not null ? FailureOf(spec.Name, error)
            : uplink?.State == UplinkState.RolledBack ? RolledBack(spec, uplink)
            : null,
    };

    /// <summary>How a network stands on each host that there is, in the order of the hosts' names.</summary>
    public static IReadOnlyList<NetworkOnHost> On(CacheSnapshot snapshot, string networkId) =>
    [
        .. snapshot.All(Keys.Hosts.Spec)
            .Select(host => (host.Record.Name, snapshot.Get(Keys.Networks.OnHost, Keys.Networks.OnHostId(networkId, host.Id))?.Record))
            .Where(found => found.Record is not null)
            .OrderBy(found => found.Name, StringComparer.Ordinal)
            .Select(found => new NetworkOnHost { Host = found.Name, Status = found.Record! }),
    ];

    /// <summary>Why a host cannot offer a network now, in words; null: it can, or has not told yet.</summary>
    public static string? MissingOn(CacheSnapshot snapshot, CachedRecord<NetworkSpec> network, string host) =>
        snapshot.Get(Keys.Networks.OnHost, Keys.Networks.OnHostId(network.Id, host))?.Record is { Up: false } status
            ? status.Failure?.Message ?? $"Network {network.Record.Name} waits for a word that the host can still be reached by {network.Record.Bridge?.Device}."
            : null;

    /// <summary>All hosts together; null: none has said anything yet.</summary>
    public static NetworkStatus? Of(CacheSnapshot snapshot, string networkId) => Join(On(snapshot, networkId));

    /// <summary>What waits for somebody's word is told before what was taken back.</summary>
    public static NetworkStatus? Join(IReadOnlyList<NetworkOnHost> hosts) => hosts switch
    {
        [] => null,
        [var one] => one.Status,
        _ => hosts[0].Status with
        {
            Up = hosts.All(host => host.Status.Up),
            Uplink = hosts.Select(host => host.Status.Uplink).OfType<NetworkUplink>().OrderByDescending(uplink => uplink.Attempt).ThenBy(uplink => uplink.State switch
            {
                UplinkState.AwaitingConfirmation => 0,
                UplinkState.RolledBack => 1,
                _ => 2,
            }).FirstOrDefault(),
            Failure = hosts.Where(host => host.Status.Failure is not null).Select(host => host.Status.Failure! with { Message = $"On host {host.Host}: {host.Status.Failure.Message}" }).FirstOrDefault(),
        },
    };

    /// <summary>True when a new status says something else than the recorded one.</summary>
    public static bool IsNews(NetworkStatus? known, NetworkStatus now) =>
        known is null || known.Up != now.Up || known.Bridge != now.Bridge || known.Overlay != now.Overlay || !IsSame(known.Uplink, now.Uplink)
        || known.Failure?.Code != now.Failure?.Code || known.Failure?.Message != now.Failure?.Message;

    private static bool IsSame(NetworkUplink? known, NetworkUplink? now) => known is null || now is null
        ? known is null && now is null
        : (known.Device, known.State, known.Attempt) == (now.Device, now.State, now.Attempt) && known.Addresses.SequenceEqual(now.Addresses) && known.Unreached.SequenceEqual(now.Unreached);

    /// <summary>What people are told; null when it is only that a new network came up.</summary>
    public static EventDraft? EventOf(CachedRecord<NetworkSpec> spec, NetworkStatus? known, NetworkStatus now) => now switch
    {
        { Failure: { } failure } => Event(spec, "failed", EventSeverity.Error, failure.Message),
        { Uplink.State: UplinkState.AwaitingConfirmation } when known?.Uplink?.State == UplinkState.AwaitingConfirmation => null, // it reaches more by now
        { Uplink: { State: UplinkState.AwaitingConfirmation } uplink } => Event(
            spec, "awaitsConfirmation", EventSeverity.Warning,
            $"Network {spec.Record.Name} has moved this host's addresses from {uplink.Device} to a bridge, and takes that back in {spec.Record.Bridge?.ConfirmSeconds} s unless it is confirmed."),
        { Up: true } when known?.Uplink?.State == UplinkState.AwaitingConfirmation => Event(spec, "confirmed", EventSeverity.Information, $"Network {spec.Record.Name} was confirmed: its bridge over {now.Uplink?.Device} stays."),
        { Up: true } when known?.Failure is not null => Event(spec, "recovered", EventSeverity.Information, $"Network {spec.Record.Name} is up again."),
        _ => null,
    };

    private static EventDraft Event(CachedRecord<NetworkSpec> spec, string verb, EventSeverity severity, string message) => new()
    {
        Kind = $"network.{verb}",
        Severity = severity,
        Message = message,
        Target = new ObjectReference { Kind = "network", Id = spec.Id, Name = spec.Record.Name },
        Project = spec.Record.Project,
    };

    private static Failure RolledBack(NetworkSpec spec, NetworkUplink uplink) => uplink.Unreached.Count > 0 ? CutOff(spec, uplink) : new()
    {
        Code = "network.rolledBack",
        Message = $"Network {spec.Name} was taken back: nobody confirmed within {spec.Bridge?.ConfirmSeconds} s that this host can still be reached. {uplink.Device} is as it was before.",
        Remedy = $"See that {uplink.Device} is the card of the right LAN; then try again: lamina network retry {spec.Name}",
    };

    private static Failure CutOff(NetworkSpec spec, NetworkUplink uplink) => new()
    {
        Code = "network.cutOff",
        Message = $"Network {spec.Name} was taken back: for {spec.Bridge?.ConfirmSeconds} s this host did not reach {string.Join(", ", uplink.Unreached)} by it, which it had reached before. {uplink.Device} is as it was before.",
        Remedy = $"See that the port of the switch at {uplink.Device} passes what the hosts send each other; then try again: lamina network retry {spec.Name}",
    };

    private static Failure NoSubnet(NetworkSpec spec) => new()
    {
        Code = "network.subnet",
        Message = $"Network {spec.Name} has no usable subnet ('{spec.Subnet}').",
        Remedy = "A subnet is written as 192.168.200.0/24, with a prefix from 8 to 29.",
    };

    public static Failure FailureOf(string network, Exception error) => error switch
    {
        UplinkRefusedException refused => refused.Failure,
        ProblemException problem => problem.ToFailure(),
        CommandException command => new()
        {
            Code = "network.rules",
            Message = $"The packet rules of network {network} could not be loaded: {command.Message}",
            Remedy = "Check that nftables works on this host: nft list ruleset",
        },
        LinuxException { ErrorNumber: Errno.NoEntry } missing => new()
        {
            Code = "network.programMissing",
            Message = $"Network {network} is not up: {missing.Message}",
            Remedy = "Install nftables and dnsmasq-base, then run 'lamina doctor'.",
        },
        _ => new() { Code = "network.host", Message = $"Network {network} is not up: {error.Message}", Remedy = "Run 'lamina doctor'." },
    };
}
