using System.Runtime.CompilerServices;

namespace Lamina.Api.Client;

/// <summary>What belongs to no noun: the server's description, one's own rights, and the check-up.</summary>
public sealed class ServerClient
{
    private readonly ApiConnection _connection;

    internal ServerClient(ApiConnection connection) => _connection = connection;

    public async Task<ServerInformation> GetAsync(CancellationToken cancellationToken) =>
        (await _connection.GetAsync("/v1", ApiJson.Default.ServerInformation, cancellationToken)).Value;

    public async Task<WhoAmI> WhoAmIAsync(CancellationToken cancellationToken) =>
        (await _connection.GetAsync(ApiPath.Of("whoami"), ApiJson.Default.WhoAmI, cancellationToken)).Value;

    /// <summary>The check-up of one host.</summary>
    /// <param name="host">Its name or id; null: the one that is asked.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task<DoctorReport> DoctorAsync(string? host, CancellationToken cancellationToken) =>
        (await _connection.GetAsync(ApiPath.Of("doctor").With("host", host), ApiJson.Default.DoctorReport, cancellationToken)).Value;

    /// <summary>A daemon's last log lines; nulls: of every request and level, the newest 200, of the host that is asked.</summary>
    public async Task<IReadOnlyList<LogEntry>> LogsAsync(string? requestId, string? level, int? limit, string? host, CancellationToken cancellationToken)
    {
        string path = ApiPath.Of("logs").With("host", host).With("request", requestId).With("level", level).With("limit", limit?.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return (await _connection.GetAsync(path, ApiJson.Default.PageLogEntry, cancellationToken)).Value.Items;
    }

    public async Task<ServerCertificate> CertificateAsync(CancellationToken cancellationToken) =>
        (await _connection.GetAsync(ApiPath.Of("certificate"), ApiJson.Default.ServerCertificate, cancellationToken)).Value;

    public Task<ServerCertificate> SetCertificateAsync(ServerCertificateSet set, CancellationToken cancellationToken)
    {
        var request = new ApiRequest(HttpMethod.Put, ApiPath.Of("certificate")) { Content = ApiConnection.JsonBody(set, ApiJson.Default.ServerCertificateSet, "application/json") };
        return _connection.SendAsync(request, ApiJson.Default.ServerCertificate, cancellationToken);
    }

    public Task ResetCertificateAsync(CancellationToken cancellationToken) => _connection.DeleteAsync(ApiPath.Of("certificate"), cancellationToken);

    /// <summary>Writes a backup of the daemon's state; it holds all secrets of the installation.</summary>
    public Task BackupAsync(Stream target, CancellationToken cancellationToken) => DownloadAsync(ApiPath.Of("backups"), target, cancellationToken);

    /// <summary>Writes an archive for support, without secrets.</summary>
    /// <param name="target">Gets it.</param>
    /// <param name="host">Name or id of the host that it is of; null: the one that is asked.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public Task SupportBundleAsync(Stream target, string? host, CancellationToken cancellationToken) => DownloadAsync(ApiPath.Of("support-bundle").With("host", host), target, cancellationToken);

    private async Task DownloadAsync(string path, Stream target, CancellationToken cancellationToken)
    {
        using var response = await _connection.SendAsync(new ApiRequest(HttpMethod.Post, path) { Streams = true, Accept = "application/gzip, application/problem+json" }, cancellationToken);
        await response.Content.CopyToAsync(target, cancellationToken);
    }

    /// <summary>
    /// Follows objects: every one of these kinds, then <see cref="WatchAction.Synced"/>, then changes. When the line breaks, or the daemon ends the
    /// stream, everything comes again from the beginning, announced by <see cref="WatchAction.Resync"/>.
    /// </summary>
    /// <param name="kinds">As in the paths: <c>vms</c>, <c>operations</c>.</param>
    /// <param name="cancellationToken">How following ends.</param>
    public async IAsyncEnumerable<WatchChange> WatchAsync(IReadOnlyList<string> kinds, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string path = ApiPath.Of("watch").With("kinds", string.Join(',', kinds)).With("project", _connection.Project);
        var stream = new EventStream(_connection, path, null);
        string revision = "";
        while (true)
        {
            await foreach (var item in stream.ReadOnceAsync(ApiJson.Default.WatchChange, cancellationToken))
            {
                revision = item.Data.Revision;
                yield return item.Data;
            }

            yield return new WatchChange { Action = WatchAction.Resync, Revision = revision };
        }
    }
}
