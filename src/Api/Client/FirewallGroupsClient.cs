using System.Globalization;

namespace Lamina.Api.Client;

/// <summary><c>/v1/firewall-groups</c>. A group is named by its id or by its name in the project.</summary>
public sealed class FirewallGroupsClient
{
    private readonly ApiConnection _connection;

    internal FirewallGroupsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<FirewallGroup> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageFirewallGroup, cancellationToken);

    public Task<Answer<FirewallGroup>> GetAsync(string group, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(group), ApiJson.Default.FirewallGroup, cancellationToken);

    public Task<FirewallGroup> CreateAsync(FirewallGroupCreate create, CancellationToken cancellationToken) => _connection.CreateAsync(
        ApiPath.Of("firewall-groups").With("project", create.Project ?? _connection.Project), create, ApiJson.Default.FirewallGroupCreate, ApiJson.Default.FirewallGroup, cancellationToken);

    public Task<FirewallGroup> UpdateAsync(string group, FirewallGroupUpdate update, string? ifMatch, CancellationToken cancellationToken) =>
        _connection.PatchAsync(Path(group), update, ApiJson.Default.FirewallGroupUpdate, ApiJson.Default.FirewallGroup, ifMatch, cancellationToken);

    public Task DeleteAsync(string group, CancellationToken cancellationToken) => _connection.DeleteAsync(Path(group), cancellationToken);

    /// <returns>The group with its new rule.</returns>
    public Task<FirewallGroup> AddRuleAsync(string group, FirewallRuleCreate rule, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(group, "rules"), rule, ApiJson.Default.FirewallRuleCreate, ApiJson.Default.FirewallGroup, cancellationToken);

    /// <returns>The group without it.</returns>
    public Task<FirewallGroup> RemoveRuleAsync(string group, int rule, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(Path(group, "rules", rule.ToString(CultureInfo.InvariantCulture)), ApiJson.Default.FirewallGroup, cancellationToken);

    private string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["firewall-groups", .. parts]).With("project", _connection.Project);
}
