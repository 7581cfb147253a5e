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

    public async Task<DoctorReport> DoctorAsync(CancellationToken cancellationToken) =>
        (await _connection.GetAsync(ApiPath.Of("doctor"), ApiJson.Default.DoctorReport, cancellationToken)).Value;
}
