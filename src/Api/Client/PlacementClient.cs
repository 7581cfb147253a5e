namespace Lamina.Api.Client;

/// <summary><c>/v1/placement</c>, <c>/v1/placement-rules</c>, and what hosts say about a VM. A rule is named by its id or by its name in the project.</summary>
public sealed class PlacementClient
{
    private readonly ApiConnection _connection;

    internal PlacementClient(ApiConnection connection) => _connection = connection;

    /// <summary>How hosts are chosen, and the CPU that new VMs get.</summary>
    public Task<Answer<PlacementReport>> GetAsync(CancellationToken cancellationToken) =>
        _connection.GetAsync(ApiPath.Of("placement"), ApiJson.Default.PlacementReport, cancellationToken);

    public Task<PlacementReport> UpdateAsync(PlacementSettingsUpdate update, CancellationToken cancellationToken) => _connection.PatchAsync(
        ApiPath.Of("placement"), update, ApiJson.Default.PlacementSettingsUpdate, ApiJson.Default.PlacementReport, ifMatch: null, cancellationToken);

    /// <summary>What each host says about a VM, the best first.</summary>
    public IAsyncEnumerable<PlacementOpinion> ExplainAsync(string vm, CancellationToken cancellationToken) => _connection.ListAsync(
        ApiPath.Of("vms", vm, "placement").With("project", _connection.Project), ApiJson.Default.PagePlacementOpinion, cancellationToken);

    /// <summary>The load of the hosts, and the moves that would even it out.</summary>
    public Task<BalanceReport> GetBalanceAsync(CancellationToken cancellationToken) =>
        _connection.SendAsync(new ApiRequest(HttpMethod.Get, ApiPath.Of("placement", "balance")), ApiJson.Default.BalanceReport, cancellationToken);

    public IAsyncEnumerable<PlacementRule> ListRulesAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PagePlacementRule, cancellationToken);

    public Task<Answer<PlacementRule>> GetRuleAsync(string rule, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(rule), ApiJson.Default.PlacementRule, cancellationToken);

    public Task<PlacementRule> CreateRuleAsync(PlacementRuleCreate create, CancellationToken cancellationToken) => _connection.CreateAsync(
        ApiPath.Of("placement-rules").With("project", create.Project ?? _connection.Project), create, ApiJson.Default.PlacementRuleCreate, ApiJson.Default.PlacementRule, cancellationToken);

    public Task DeleteRuleAsync(string rule, CancellationToken cancellationToken) => _connection.DeleteAsync(Path(rule), cancellationToken);

    private string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["placement-rules", .. parts]).With("project", _connection.Project);
}
