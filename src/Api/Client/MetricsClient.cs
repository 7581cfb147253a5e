namespace Lamina.Api.Client;

/// <summary><c>/v1/metrics/now</c> and <c>/metrics</c>.</summary>
public sealed class MetricsClient
{
    private readonly ApiConnection _connection;

    internal MetricsClient(ApiConnection connection) => _connection = connection;

    /// <summary>The latest figures of a host and of the VMs of the client's project there.</summary>
    /// <param name="host">Its name or id; null: the one that is asked.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public Task<MetricsNow> GetNowAsync(string? host, CancellationToken cancellationToken) =>
        _connection.SendAsync(new ApiRequest(HttpMethod.Get, ApiPath.Of("metrics", "now").With("project", _connection.Project).With("host", host)), ApiJson.Default.MetricsNow, cancellationToken);

    /// <summary>What Prometheus reads: counters since the start of each thing, as text.</summary>
    public Task<string> GetPrometheusTextAsync(CancellationToken cancellationToken) => _connection.GetTextAsync("/metrics", cancellationToken);
}

/// <summary>Which part of the past: <c>-1h</c> (so long ago, by the server's clock) or an RFC 3339 time. Null: until now, from an hour before.</summary>
/// <param name="From">Its begin.</param>
/// <param name="To">Its end.</param>
/// <param name="StepSeconds">Null: as fine as the range allows.</param>
public sealed record MetricRange(string? From, string? To, int? StepSeconds)
{
    internal string AddTo(string path) => path
        .With("from", From).With("to", To).With("step", StepSeconds?.ToString(System.Globalization.CultureInfo.InvariantCulture));
}
