namespace Lamina.Api.Client;

/// <summary><c>/v1/hosts</c>.</summary>
public sealed class HostsClient
{
    private readonly ApiConnection _connection;

    internal HostsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Host> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageHost, cancellationToken);

    public Task<Answer<Host>> GetAsync(string name, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(name), ApiJson.Default.Host, cancellationToken);

    public Task<Host> UpdateAsync(string name, HostUpdate update, string? ifMatch, CancellationToken cancellationToken) =>
        _connection.PatchAsync(Path(name), update, ApiJson.Default.HostUpdate, ApiJson.Default.Host, ifMatch, cancellationToken);

    /// <summary>What of its memory is promised, what is used, and what overcommit costs now.</summary>
    public Task<HostMemoryReport> GetMemoryAsync(string name, CancellationToken cancellationToken) =>
        _connection.SendAsync(new ApiRequest(HttpMethod.Get, Path(name, "memory")), ApiJson.Default.HostMemoryReport, cancellationToken);

    /// <summary>Its figures over time; see <see cref="MetricsClient"/> for the words of the range.</summary>
    public Task<MetricHistory> GetMetricsAsync(string name, MetricRange range, CancellationToken cancellationToken) =>
        _connection.SendAsync(new ApiRequest(HttpMethod.Get, range.AddTo(Path(name, "metrics"))), ApiJson.Default.MetricHistory, cancellationToken);

    /// <summary>Lets all guests of a host power off, before the host does.</summary>
    public Task<Operation> ShutdownGuestsAsync(string name, GuestsShutdownRequest request, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(name, "shutdown-guests"), request, ApiJson.Default.GuestsShutdownRequest, ApiJson.Default.Operation, cancellationToken);

    /// <summary>Empties it and keeps it empty, or ends that.</summary>
    public Task<Operation> MaintainAsync(string name, HostMaintenanceRequest request, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(name, "maintenance"), request, ApiJson.Default.HostMaintenanceRequest, ApiJson.Default.Operation, cancellationToken);

    /// <summary>Empties it.</summary>
    public Task<Operation> EvacuateAsync(string name, HostEvacuate request, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(name, "evacuate"), request, ApiJson.Default.HostEvacuate, ApiJson.Default.Operation, cancellationToken);

    /// <summary>Empties it, and reboots the machine or switches it off.</summary>
    public Task<Operation> PowerAsync(string name, HostPowerRequest request, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(name, "power"), request, ApiJson.Default.HostPowerRequest, ApiJson.Default.Operation, cancellationToken);

    /// <summary>What emptying it would do.</summary>
    public Task<EvacuationForecast> ForecastEvacuationAsync(string name, bool withStorage, CancellationToken cancellationToken) => _connection.SendAsync(
        new ApiRequest(HttpMethod.Get, ApiPath.With(Path(name, "evacuation"), "withStorage", withStorage ? "true" : null)), ApiJson.Default.EvacuationForecast, cancellationToken);

    /// <summary>Takes a host out of the cluster, for good.</summary>
    /// <param name="name">Or id.</param>
    /// <param name="dead">A person's word that it is off and will never come back.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public Task RemoveAsync(string name, bool dead, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(ApiPath.With(Path(name), "dead", dead ? "true" : null), cancellationToken);

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["hosts", .. parts]);
}
