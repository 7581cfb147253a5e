namespace Lamina.Api.Client;

/// <summary>
/// The typed client of the API, a member per noun. It keeps read-your-writes (a read waits for the revision of this client's last write),
/// repeats what is safe to repeat when the line breaks, and throws <see cref="LaminaException"/> for each refusal and
/// <see cref="LaminaUnreachableException"/> when no answer comes. Safe to share between threads.
/// </summary>
public sealed class LaminaClient : IDisposable
{
    public LaminaClient(LaminaClientOptions options)
        : this(new ApiConnection(options))
    {
    }

    internal LaminaClient(ApiConnection connection)
    {
        Connection = connection;
        Server = new ServerClient(Connection);
        Sessions = new SessionsClient(Connection);
        Users = new UsersClient(Connection);
        Views = new ViewsClient(Connection);
        Tokens = new TokensClient(Connection);
        Bindings = new BindingsClient(Connection);
        Projects = new ProjectsClient(Connection);
        Hosts = new HostsClient(Connection);
        Cluster = new ClusterClient(Connection);
        Pools = new PoolsClient(Connection);
        Uploads = new UploadsClient(Connection);
        Images = new ImagesClient(Connection);
        Isos = new IsosClient(Connection);
        OperatingSystems = new OperatingSystemsClient(Connection);
        Disks = new DisksClient(Connection);
        Networks = new NetworksClient(Connection);
        Snapshots = new SnapshotsClient(Connection);
        FirewallGroups = new FirewallGroupsClient(Connection);
        Placement = new PlacementClient(Connection);
        Migration = new MigrationClient(Connection);
        Vms = new VmsClient(Connection);
        Exports = new ExportsClient(Connection);
        VmDevices = new VmDevicesClient(Connection);
        Consoles = new ConsolesClient(Connection);
        Operations = new OperationsClient(Connection);
        Events = new EventsClient(Connection);
        Metrics = new MetricsClient(Connection);
    }

    /// <summary>Requests that no typed member covers (<c>lamina api GET /v1/vms</c>).</summary>
    public ApiConnection Connection { get; }

    public ServerClient Server { get; }
    public SessionsClient Sessions { get; }
    public UsersClient Users { get; }
    public ViewsClient Views { get; }
    public TokensClient Tokens { get; }
    public BindingsClient Bindings { get; }
    public ProjectsClient Projects { get; }
    public HostsClient Hosts { get; }
    public ClusterClient Cluster { get; }
    public PoolsClient Pools { get; }
    public UploadsClient Uploads { get; }
    public ImagesClient Images { get; }
    public IsosClient Isos { get; }
    public OperatingSystemsClient OperatingSystems { get; }
    public DisksClient Disks { get; }
    public NetworksClient Networks { get; }
    public SnapshotsClient Snapshots { get; }

    public FirewallGroupsClient FirewallGroups { get; }

    public PlacementClient Placement { get; }

    public MigrationClient Migration { get; }
    public VmsClient Vms { get; }
    public ExportsClient Exports { get; }
    public VmDevicesClient VmDevices { get; }
    public ConsolesClient Consoles { get; }
    public OperationsClient Operations { get; }
    public EventsClient Events { get; }
    public MetricsClient Metrics { get; }

    public void Dispose() => Connection.Dispose();
}
