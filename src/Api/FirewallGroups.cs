using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>A firewall group as <c>GET /v1/firewall-groups/{group}</c> gives it. Cards that bear it are filtered by its rules.</summary>
public sealed record FirewallGroup
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }
    public required FirewallGroupSpec Spec { get; init; }

    /// <summary>Ids of the VMs with a card that bears it.</summary>
    public IReadOnlyList<string> UsedBy { get; set; } = [];
}

[JsonConverter(typeof(CamelCaseEnum<FirewallAction>))]
public enum FirewallAction
{
    Accept,
    Drop,
}

/// <summary>Seen from the guest.</summary>
[JsonConverter(typeof(CamelCaseEnum<FirewallDirection>))]
public enum FirewallDirection
{
    In,
    Out,
}

[JsonConverter(typeof(CamelCaseEnum<FirewallProtocol>))]
public enum FirewallProtocol
{
    Any,
    Tcp,
    Udp,

    /// <summary>ICMP of IPv4 and of IPv6: ping. What IPv6 needs to work at all is never filtered.</summary>
    Icmp,
}

/// <summary>Key <c>firewallgroups/&lt;id&gt;/spec</c>. The rules are tried in their order, and the first that matches decides; else the policy.</summary>
public sealed record FirewallGroupSpec : ProjectRecord
{
    public required string Name { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public string? Notes { get; init; }

    /// <summary>What becomes of a new connection to the guest that no rule names.</summary>
    public FirewallAction Inbound { get; set; } = FirewallAction.Drop;

    /// <summary>What becomes of a new connection of the guest that no rule names.</summary>
    public FirewallAction Outbound { get; set; } = FirewallAction.Accept;
    public IReadOnlyList<FirewallRule> Rules { get; set; } = [];

    /// <summary>The highest number that a rule of this group ever had: a number is never given twice.</summary>
    public int LastRule { get; init; }
}

/// <summary>A rule of a group. Answers of a connection that was let through need none.</summary>
public sealed record FirewallRule : RecordPart
{
    /// <summary>Its number within the group.</summary>
    public required int Id { get; init; }
    public required FirewallDirection Direction { get; init; }
    public required FirewallAction Action { get; init; }
    public FirewallProtocol Protocol { get; init; }

    /// <summary>Destination ports and ranges of TCP and UDP (<c>80</c>, <c>8000-8100</c>); empty: all.</summary>
    public IReadOnlyList<string> Ports { get; set; } = [];

    /// <summary>The other end: who connects (in), or to whom (out). Null: anybody.</summary>
    public FirewallPeer? Peer { get; init; }
    public string? Notes { get; init; }
}

/// <summary>The other end of a rule: exactly one member is set.</summary>
public sealed record FirewallPeer : RecordPart
{
    /// <summary>IPv4 or IPv6 in CIDR form.</summary>
    public string? Cidr { get; init; }

    /// <summary>Id of a group: every card that bears it.</summary>
    public string? Group { get; init; }

    /// <summary>Id of a network: its subnets.</summary>
    public string? Network { get; init; }
}

/// <summary>Body of <c>POST /v1/firewall-groups</c>.</summary>
public sealed record FirewallGroupCreate
{
    public required string Name { get; init; }
    public string? Project { get; init; }
    public string? Notes { get; init; }

    /// <summary>Null: drop.</summary>
    public FirewallAction? Inbound { get; init; }

    /// <summary>Null: accept.</summary>
    public FirewallAction? Outbound { get; init; }
    public IReadOnlyList<FirewallRuleCreate>? Rules { get; init; }
}

/// <summary>Body of <c>PATCH /v1/firewall-groups/{group}</c> (RFC 7396).</summary>
public sealed record FirewallGroupUpdate
{
    public string? Notes { get; init; }
    public FirewallAction? Inbound { get; init; }
    public FirewallAction? Outbound { get; init; }
}

/// <summary>Body of <c>POST /v1/firewall-groups/{group}/rules</c>. Groups and networks are named by name or id.</summary>
public sealed record FirewallRuleCreate
{
    public required FirewallDirection Direction { get; init; }

    /// <summary>Null: accept.</summary>
    public FirewallAction? Action { get; init; }
    public FirewallProtocol? Protocol { get; init; }
    public IReadOnlyList<string>? Ports { get; init; }
    public FirewallPeer? Peer { get; init; }
    public string? Notes { get; init; }

    /// <summary>The number of the rule before which this one is put; null: last.</summary>
    public int? Before { get; init; }
}

/// <summary>Body of <c>PUT /v1/vms/{vm}/firewall</c>: which groups filter its cards. It holds at once, also for a running guest.</summary>
public sealed record VmFirewallUpdate
{
    /// <summary>Names or ids, in the order in which they are tried; empty: nothing is filtered.</summary>
    public required IReadOnlyList<string> Groups { get; init; }

    /// <summary>Slot of one card; null: all.</summary>
    public int? Nic { get; init; }
}

/// <summary>What the packet filter does for a VM's cards at this moment: <c>GET /v1/vms/{vm}/firewall</c>.</summary>
public sealed record VmFirewall
{
    public required string Vm { get; init; }

    /// <summary>True once the kernel has the rules as recorded.</summary>
    public required bool Applied { get; init; }

    /// <summary>How answers are known.</summary>
    public required FirewallTracking Tracking { get; init; }

    /// <summary>What this way of tracking means, in words.</summary>
    public required string TrackingReason { get; init; }
    public required IReadOnlyList<NicFirewall> Nics { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<FirewallTracking>))]
public enum FirewallTracking
{
    /// <summary>By the kernel's connection tracking.</summary>
    Conntrack,

    /// <summary>By flows that were let through, since this kernel does not track connections on bridges.</summary>
    Flows,
}

public sealed record NicFirewall
{
    public required int Slot { get; init; }
    public required string Mac { get; init; }
    public string? Address { get; init; }

    /// <summary>In the order in which they are tried.</summary>
    public required IReadOnlyList<NicFirewallGroup> Groups { get; init; }

    /// <summary>Null: not filtered.</summary>
    public FirewallAction? Inbound { get; init; }
    public FirewallAction? Outbound { get; init; }
    public int? InboundKbps { get; init; }
    public int? OutboundKbps { get; init; }

    /// <summary>What was dropped in the last ten minutes, the most first.</summary>
    public IReadOnlyList<FirewallDrop> Dropped { get; set; } = [];
}

public sealed record NicFirewallGroup
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required IReadOnlyList<CountedFirewallRule> Rules { get; init; }
}

/// <summary>A rule and what it met since it was made, on all cards of this host that bear its group.</summary>
public sealed record CountedFirewallRule
{
    public required FirewallRule Rule { get; init; }
    public required long Packets { get; init; }
    public required long Bytes { get; init; }
}

/// <summary>Packets that no rule let through.</summary>
public sealed record FirewallDrop
{
    public required FirewallDirection Direction { get; init; }

    /// <summary>Address of the other end.</summary>
    public required string Peer { get; init; }

    /// <summary><c>tcp</c>, <c>udp</c>, or the number of the protocol.</summary>
    public required string Protocol { get; init; }

    /// <summary>Destination port; null: the protocol has none.</summary>
    public int? Port { get; init; }
    public required long Packets { get; init; }
}
