namespace Lamina.Api.Client;

/// <summary><c>/v1/cluster</c>. Founding and joining are asked of the very host that they concern.</summary>
public sealed class ClusterClient
{
    /// <summary>Some tens of MiB over a slow line.</summary>
    private static readonly TimeSpan SendPatience = TimeSpan.FromMinutes(30);

    private readonly ApiConnection _connection;

    internal ClusterClient(ApiConnection connection) => _connection = connection;

    public async Task<ClusterStatus> GetAsync(CancellationToken cancellationToken) => (await _connection.GetAsync(Path(), ApiJson.Default.ClusterStatus, cancellationToken)).Value;

    public Task<ClusterStatus> InitAsync(ClusterInit init, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path("init"), init, ApiJson.Default.ClusterInit, ApiJson.Default.ClusterStatus, cancellationToken);

    public Task<ClusterToken> CreateTokenAsync(ClusterTokenCreate create, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path("tokens"), create, ApiJson.Default.ClusterTokenCreate, ApiJson.Default.ClusterToken, cancellationToken);

    public Task<ClusterJoined> JoinAsync(ClusterJoin join, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path("join"), join, ApiJson.Default.ClusterJoin, ApiJson.Default.ClusterJoined, cancellationToken);

    /// <summary>Lets the host that is asked try another address; <see cref="ClusterStatus.AddressChange"/> tells what becomes of it.</summary>
    public Task<ClusterAddressChange> ChangeAddressAsync(ClusterAddress address, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path("address"), address, ApiJson.Default.ClusterAddress, ApiJson.Default.ClusterAddressChange, cancellationToken);

    /// <summary>Gives the host that is asked a new certificate among the members.</summary>
    public async Task RotateCertificateAsync(CancellationToken cancellationToken)
    {
        using var answer = await _connection.SendAsync(new ApiRequest(HttpMethod.Post, Path("certificate", "rotate")), cancellationToken);
    }

    /// <summary>What became of the guests since the store was recovered.</summary>
    public async Task<ClusterRecovery> GetRecoveryAsync(CancellationToken cancellationToken) => (await _connection.GetAsync(Path("recovery"), ApiJson.Default.ClusterRecovery, cancellationToken)).Value;

    /// <summary>Cuts the power of a guest that a host reported since the store was recovered, and on which nothing has followed: an orphan, or one of two.</summary>
    public async Task StopGuestAsync(string host, string vm, CancellationToken cancellationToken)
    {
        using var answer = await _connection.SendAsync(new ApiRequest(HttpMethod.Post, ApiPath.Of("hosts", host, "guests", vm, "stop")), cancellationToken);
    }

    /// <summary>Brings a package of Lamina to the host that is asked.</summary>
    /// <param name="source">Seekable, from its beginning.</param>
    /// <param name="progress">Told the bytes sent so far; null: not wanted.</param>
    /// <param name="cancellationToken">Ends the sending.</param>
    public Task<UpgradePackage> SendPackageAsync(Stream source, IProgress<long>? progress, CancellationToken cancellationToken) => _connection.SendAsync(
        new ApiRequest(HttpMethod.Post, Path("packages")) { Content = () => Body(source, progress), Timeout = SendPatience }, ApiJson.Default.UpgradePackage, cancellationToken);

    /// <summary>What an upgrade to that package's version would do.</summary>
    public async Task<ClusterUpgradePlan> PlanUpgradeAsync(string package, CancellationToken cancellationToken) =>
        (await _connection.GetAsync(Path("upgrade").With("package", package), ApiJson.Default.ClusterUpgradePlan, cancellationToken)).Value;

    /// <summary>Upgrades the daemons of all hosts, one after the other.</summary>
    public Task<Operation> UpgradeAsync(ClusterUpgradeRequest request, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path("upgrade"), request, ApiJson.Default.ClusterUpgradeRequest, ApiJson.Default.Operation, cancellationToken);

    private static StreamContent Body(Stream source, IProgress<long>? progress)
    {
        var content = new StreamContent(new ProgressStream(source, 0, progress), 256 * 1024);
        content.Headers.ContentType = new("application/octet-stream");
        content.Headers.ContentLength = source.Length;
        return content;
    }

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["cluster", .. parts]);
}
