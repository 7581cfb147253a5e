using Lamina.Api;

namespace Lamina.Server.Control;

/// <summary>
/// Every key of the store (decision 13). A kind is a family of keys with one record type; <c>Keys.Vms.Spec[id]</c> is a key.
/// </summary>
internal static class Keys
{
    public static RecordKind<UserRecord> Users { get; } = new("users/", "", ApiJson.Default.UserRecord);

    public static RecordKind<TokenRecord> Tokens { get; } = new("tokens/", "", ApiJson.Default.TokenRecord);

    /// <summary>The id is the SHA-256 of the token.</summary>
    public static RecordKind<SessionRecord> Sessions { get; } = new("sessions/", "", ApiJson.Default.SessionRecord);

    public static RecordKind<RoleBinding> Bindings { get; } = new("bindings/", "", ApiJson.Default.RoleBinding);

    /// <summary>What a user has kept of tables; the id is the user.</summary>
    public static RecordKind<SavedViews> Views { get; } = new("views/", "", ApiJson.Default.SavedViews);

    /// <summary>Files on their way in.</summary>
    public static RecordKind<UploadSpec> Uploads { get; } = new("uploads/", "", ApiJson.Default.UploadSpec);

    public static RecordKind<ProjectSpec> Projects { get; } = new("projects/", "", ApiJson.Default.ProjectSpec);

    /// <summary>Sealed values, never cached, watched or logged.</summary>
    public static RecordKind<SecretRecord> Secrets { get; } = new("secrets/", "", ControlJson.Default.SecretRecord);

    /// <summary>The id is <see cref="TimeOrderedId"/>.</summary>
    public static RecordKind<Event> Events { get; } = new("events/", "", ApiJson.Default.Event);

    /// <summary>The id is <see cref="TimeOrderedId"/>.</summary>
    public static RecordKind<AuditEntry> Audit { get; } = new("audit/", "", ApiJson.Default.AuditEntry);

    /// <summary>The id is <see cref="IdempotencyId"/>; kept 24 h.</summary>
    public static RecordKind<IdempotencyRecord> Idempotency { get; } = new("idempotency/", "", ControlJson.Default.IdempotencyRecord);

    public static RecordKind<FirewallGroupSpec> FirewallGroups { get; } = new("firewallgroups/", "/spec", ApiJson.Default.FirewallGroupSpec);

    public static RecordKind<PlacementRuleSpec> PlacementRules { get; } = new("placementrules/", "", ApiJson.Default.PlacementRuleSpec);

    /// <summary>One key, <c>settings/placement</c>; its id is empty.</summary>
    public static RecordKind<PlacementSettings> PlacementSettings { get; } = new("settings/placement", "", ApiJson.Default.PlacementSettings);

    /// <summary>One key, <c>settings/migration</c>; its id is empty.</summary>
    public static RecordKind<MigrationSettings> MigrationSettings { get; } = new("settings/migration", "", ApiJson.Default.MigrationSettings);

    /// <summary>The id is <see cref="NameId"/>; created absent in the transaction that makes the object, so a name is taken once.</summary>
    public static RecordKind<Claim> Names { get; } = new("names/", "", ControlJson.Default.Claim);

    /// <summary>The id is the MAC in lower case with colons.</summary>
    public static RecordKind<Claim> Macs { get; } = new("macs/", "", ControlJson.Default.Claim);

    /// <summary>The id is <see cref="AddressId"/>.</summary>
    public static RecordKind<Claim> Addresses { get; } = new("addresses/", "", ControlJson.Default.Claim);

    /// <summary>The id is the number of a VXLAN; the owner a network.</summary>
    public static RecordKind<Claim> Vnis { get; } = new("vnis/", "", ControlJson.Default.Claim);

    /// <summary>One key, <c>store/generation</c>; its id is empty.</summary>
    public static RecordKind<GenerationRecord> Generation { get; } = new("store/generation", "", ControlJson.Default.GenerationRecord);

    /// <summary>One key, <c>store/recovery</c>; its id is empty. Absent: this store was never recovered.</summary>
    public static RecordKind<RecoveryRecord> Recovery { get; } = new("store/recovery", "", ControlJson.Default.RecoveryRecord);

    /// <summary>One key, <c>leader</c>; its id is empty.</summary>
    public static RecordKind<LeaderRecord> Leader { get; } = new("leader", "", ControlJson.Default.LeaderRecord);

    /// <summary>One key, <c>cluster</c>; its id is empty. Absent: the host is alone.</summary>
    public static RecordKind<ClusterSpec> Cluster { get; } = new("cluster", "", ApiJson.Default.ClusterSpec);

    public static RecordKind<JoinTokenRecord> JoinTokens { get; } = new("jointokens/", "", ApiJson.Default.JoinTokenRecord);

    /// <summary>Hosts that are members no more, by their ids.</summary>
    public static RecordKind<RemovedHost> RemovedHosts { get; } = new("removedhosts/", "", ApiJson.Default.RemovedHost);

    /// <summary>What every daemon mirrors in its <see cref="Cache"/>. Secrets, events, audit and idempotency keys are read on demand only.</summary>
    /// <remarks>Stands below the kinds that it names: static members are made in the order of the text.</remarks>
    public static IReadOnlyList<RecordKind> Cached { get; } =
    [
        Vms.Spec, Vms.Assignment, Vms.Status, Vms.Handover, Vms.HandoverSource, Vms.HandoverTarget, Vms.Departure,
        Operations.Request, Operations.State,
        Disks.Spec, Disks.Status,
        Snapshots.Spec, Snapshots.Status,
        Images.Spec, Images.Status, Images.Copies,
        Isos.Spec, Isos.Status, Isos.Copies, Uploads,
        Pools.Spec, Pools.Status, Pools.OnHost,
        Networks.Spec, Networks.OnHost, FirewallGroups, PlacementRules, PlacementSettings, MigrationSettings,
        Hosts.Spec, Hosts.Status, Hosts.Live, Hosts.Silence, Hosts.Clock, Hosts.Death, Hosts.Load, Hosts.Certificate, Hosts.Voter, Hosts.Etcd, Hosts.Report, Hosts.Guests,
        Cluster, JoinTokens, RemovedHosts,
        Users, Tokens, Sessions, Bindings, Views, Projects,
        Names, Macs, Addresses, Vnis,
        Generation, Recovery, Leader,
    ];

    /// <summary><c>default/vm/web1</c>; a name of an image may contain a slash itself.</summary>
    public static string NameId(string project, string kind, string name) => $"{project}/{kind}/{name}";

    /// <summary><c>&lt;network id&gt;/192.168.200.10</c>.</summary>
    public static string AddressId(string network, string address) => $"{network}/{address}";

    /// <summary>Of the copy of an image or medium in a pool: <c>&lt;id&gt;/pools/&lt;pool&gt;</c>.</summary>
    public static string CopyId(string content, string pool) => $"{content}/pools/{pool}";

    /// <summary>Both parts come from outside and may hold any character.</summary>
    public static string IdempotencyId(string subject, string key) => $"{Uri.EscapeDataString(subject)}/{Uri.EscapeDataString(key)}";

    internal static class Vms
    {
        /// <summary>All keys of all VMs.</summary>
        public const string Prefix = "vms/";

        public static RecordKind<VmSpec> Spec { get; } = new(Prefix, "/spec", ApiJson.Default.VmSpec);

        public static RecordKind<VmAssignment> Assignment { get; } = new(Prefix, "/assignment", ApiJson.Default.VmAssignment);

        public static RecordKind<VmStatus> Status { get; } = new(Prefix, "/status", ApiJson.Default.VmStatus);

        /// <summary>On its way to another host; at most one.</summary>
        public static RecordKind<VmHandover> Handover { get; } = new(Prefix, "/handover", ApiJson.Default.VmHandover);

        public static RecordKind<HandoverSource> HandoverSource { get; } = new(Prefix, "/handover-source", ApiJson.Default.HandoverSource);

        public static RecordKind<HandoverTarget> HandoverTarget { get; } = new(Prefix, "/handover-target", ApiJson.Default.HandoverTarget);

        /// <summary>On whose account it has left its host.</summary>
        public static RecordKind<VmDeparture> Departure { get; } = new(Prefix, "/departure", ApiJson.Default.VmDeparture);

        /// <summary>All keys of one VM, for its removal.</summary>
        public static string All(string id) => $"{Prefix}{id}/";
    }

    internal static class Operations
    {
        public static RecordKind<OperationRequest> Request { get; } = new("operations/", "/request", ApiJson.Default.OperationRequest);

        public static RecordKind<OperationState> State { get; } = new("operations/", "/state", ApiJson.Default.OperationState);

        public static string All(string id) => $"operations/{id}/";
    }

    internal static class Disks
    {
        public static RecordKind<DiskSpec> Spec { get; } = new("disks/", "/spec", ApiJson.Default.DiskSpec);

        public static RecordKind<DiskStatus> Status { get; } = new("disks/", "/status", ApiJson.Default.DiskStatus);

        public static string All(string id) => $"disks/{id}/";
    }

    internal static class Snapshots
    {
        public static RecordKind<SnapshotSpec> Spec { get; } = new("snapshots/", "/spec", ApiJson.Default.SnapshotSpec);

        public static RecordKind<SnapshotStatus> Status { get; } = new("snapshots/", "/status", ApiJson.Default.SnapshotStatus);

        public static string All(string id) => $"snapshots/{id}/";

        /// <summary>A name is unique in its VM.</summary>
        public static string NameId(string project, string vm, string name) => Keys.NameId(project, "snapshot", $"{vm}/{name}");
    }

    internal static class Images
    {
        public static RecordKind<ImageSpec> Spec { get; } = new("images/", "/spec", ApiJson.Default.ImageSpec);

        public static RecordKind<ImageStatus> Status { get; } = new("images/", "/status", ApiJson.Default.ImageStatus);

        /// <summary>The id is <see cref="CopyId"/>.</summary>
        public static RecordKind<ContentCopy> Copies { get; } = new("images/", "", ApiJson.Default.ContentCopy, "/pools/");

        public static string All(string id) => $"images/{id}/";
    }

    internal static class Isos
    {
        public static RecordKind<IsoSpec> Spec { get; } = new("isos/", "/spec", ApiJson.Default.IsoSpec);

        public static RecordKind<IsoStatus> Status { get; } = new("isos/", "/status", ApiJson.Default.IsoStatus);

        /// <summary>The id is <see cref="CopyId"/>.</summary>
        public static RecordKind<ContentCopy> Copies { get; } = new("isos/", "", ApiJson.Default.ContentCopy, "/pools/");

        public static string All(string id) => $"isos/{id}/";
    }

    internal static class Pools
    {
        public static RecordKind<PoolSpec> Spec { get; } = new("pools/", "/spec", ApiJson.Default.PoolSpec);

        public static RecordKind<PoolStatus> Status { get; } = new("pools/", "/status", ApiJson.Default.PoolStatus);

        /// <summary>The id is <see cref="OnHostId"/>.</summary>
        public static RecordKind<PoolHostStatus> OnHost { get; } = new("pools/", "", ApiJson.Default.PoolHostStatus, "/hosts/");

        public static string OnHostId(string pool, string host) => $"{pool}/hosts/{host}";

        public static string All(string id) => $"pools/{id}/";
    }

    internal static class Networks
    {
        public static RecordKind<NetworkSpec> Spec { get; } = new("networks/", "/spec", ApiJson.Default.NetworkSpec);

        /// <summary>How a network stands on one host, written by that host. The id is <see cref="OnHostId"/>.</summary>
        public static RecordKind<NetworkStatus> OnHost { get; } = new("networks/", "", ApiJson.Default.NetworkStatus, "/hosts/");

        public static string OnHostId(string network, string host) => $"{network}/hosts/{host}";

        /// <summary>The host in such an id.</summary>
        public static string HostOf(string onHostId) => onHostId[(onHostId.LastIndexOf('/') + 1)..];

        public static string All(string id) => $"networks/{id}/";
    }

    internal static class Hosts
    {
        public static RecordKind<HostSpec> Spec { get; } = new("hosts/", "/spec", ApiJson.Default.HostSpec);

        public static RecordKind<HostStatus> Status { get; } = new("hosts/", "/status", ApiJson.Default.HostStatus);

        /// <summary>What it does, on the mean of some minutes.</summary>
        public static RecordKind<HostLoad> Load { get; } = new("hosts/", "/load", ApiJson.Default.HostLoad);

        /// <summary>There while the host's daemon lives: it hangs on the daemon's lease.</summary>
        public static RecordKind<HostLive> Live { get; } = new("hosts/", "/live", ControlJson.Default.HostLive);

        /// <summary>Since when its daemon is missed. No proof of anything.</summary>
        public static RecordKind<HostSilence> Silence { get; } = new("hosts/", "/silence", ControlJson.Default.HostSilence);

        /// <summary>That its clock is off.</summary>
        public static RecordKind<HostClockSkew> Clock { get; } = new("hosts/", "/clock", ApiJson.Default.HostClockSkew);

        /// <summary>That it runs no guest any more. Written by the API; deleted by the host's own claim to live.</summary>
        public static RecordKind<HostDeath> Death { get; } = new("hosts/", "/death", ApiJson.Default.HostDeath);

        /// <summary>Of its identity among the members.</summary>
        public static RecordKind<HostCertificateRecord> Certificate { get; } = new("hosts/", "/certificate", ApiJson.Default.HostCertificateRecord);

        public static RecordKind<VoterRecord> Voter { get; } = new("hosts/", "/voter", ControlJson.Default.VoterRecord);

        public static RecordKind<HostEtcdRecord> Etcd { get; } = new("hosts/", "/etcd", ControlJson.Default.HostEtcdRecord);

        /// <summary>Read and written at a host's first start as a member only.</summary>
        public static RecordKind<HostImport> Import { get; } = new("hosts/", "/import", ControlJson.Default.HostImport);

        public static RecordKind<HostReport> Report { get; } = new("hosts/", "/report", ControlJson.Default.HostReport);

        /// <summary>The id is <see cref="GuestId"/>.</summary>
        public static RecordKind<HostGuest> Guests { get; } = new("hosts/", "", ControlJson.Default.HostGuest, "/guests/");

        public static string GuestId(string host, string vm) => $"{host}/guests/{vm}";

        /// <summary>All guests that a host has reported.</summary>
        public static string AllGuests(string host) => $"hosts/{host}/guests/";

        public static string All(string id) => $"hosts/{id}/";
    }
}
