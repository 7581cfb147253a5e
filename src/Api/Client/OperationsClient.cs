namespace Lamina.Api.Client;

/// <summary><c>/v1/operations</c>: long jobs.</summary>
public sealed class OperationsClient
{
    // The daemon answers at the job's end, or after this time with its progress.
    private const string WaitSeconds = "1";

    private readonly ApiConnection _connection;

    internal OperationsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Operation> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(ApiPath.Of("operations").With("project", _connection.Project), ApiJson.Default.PageOperation, cancellationToken);

    public async Task<Operation> GetAsync(string id, CancellationToken cancellationToken) =>
        (await _connection.GetAsync(ApiPath.Of("operations", id), ApiJson.Default.Operation, cancellationToken)).Value;

    /// <summary>Asks for its end; a job that has passed the point of no return goes on.</summary>
    public Task<Operation> CancelAsync(string id, CancellationToken cancellationToken) =>
        _connection.PostAsync(ApiPath.Of("operations", id, "cancel"), ApiJson.Default.Operation, cancellationToken);

    /// <summary>Waits until the job has ended, whatever its end is; the caller looks at the phase.</summary>
    /// <param name="id">The operation.</param>
    /// <param name="onChange">Called with each state seen, the last included; null: not wanted.</param>
    /// <param name="cancellationToken">Ends the waiting, not the job.</param>
    public async Task<Operation> WaitAsync(string id, Action<Operation>? onChange, CancellationToken cancellationToken)
    {
        while (true)
        {
            string path = ApiPath.Of("operations", id).With("waitSeconds", WaitSeconds);
            var operation = (await _connection.GetAsync(path, ApiJson.Default.Operation, cancellationToken)).Value;
            onChange?.Invoke(operation);
            if (operation.State?.Phase is OperationPhase.Succeeded or OperationPhase.Failed or OperationPhase.Cancelled) return operation;
        }
    }
}
