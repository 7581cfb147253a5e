namespace Lamina.Api.Client;

/// <summary><c>/v1/users</c>.</summary>
public sealed class UsersClient
{
    private readonly ApiConnection _connection;

    internal UsersClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<User> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageUser, cancellationToken);

    public Task<Answer<User>> GetAsync(string name, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(name), ApiJson.Default.User, cancellationToken);

    public Task<User> CreateAsync(UserCreate create, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(), create, ApiJson.Default.UserCreate, ApiJson.Default.User, cancellationToken);

    public Task<User> UpdateAsync(string name, UserUpdate update, CancellationToken cancellationToken) =>
        _connection.PatchAsync(Path(name), update, ApiJson.Default.UserUpdate, ApiJson.Default.User, null, cancellationToken);

    public Task<User> SetPasswordAsync(string name, PasswordChange change, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(name, "password"), change, ApiJson.Default.PasswordChange, ApiJson.Default.User, cancellationToken);

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["users", .. parts]);
}
