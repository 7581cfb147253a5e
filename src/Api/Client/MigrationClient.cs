namespace Lamina.Api.Client;

/// <summary><c>/v1/migration</c>: what holds for all migrations.</summary>
public sealed class MigrationClient
{
    private readonly ApiConnection _connection;

    internal MigrationClient(ApiConnection connection) => _connection = connection;

    /// <summary>Over which network they go, and how fast at most.</summary>
    public Task<Answer<MigrationSettings>> GetAsync(CancellationToken cancellationToken) =>
        _connection.GetAsync(ApiPath.Of("migration"), ApiJson.Default.MigrationSettings, cancellationToken);

    public Task<MigrationSettings> UpdateAsync(MigrationSettingsUpdate update, CancellationToken cancellationToken) => _connection.PatchAsync(
        ApiPath.Of("migration"), update, ApiJson.Default.MigrationSettingsUpdate, ApiJson.Default.MigrationSettings, ifMatch: null, cancellationToken);
}
