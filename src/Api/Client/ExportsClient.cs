namespace Lamina.Api.Client;

/// <summary><c>/v1/exports</c>: files made by <see cref="VmsClient.ExportAsync"/>, named by their operation.</summary>
public sealed class ExportsClient
{
    private const int ChunkBytes = 256 * 1024;

    private readonly ApiConnection _connection;

    internal ExportsClient(ApiConnection connection) => _connection = connection;

    /// <summary>Writes the file to the end of a stream; a broken line is resumed where the stream stands. Gives up when attempts stop getting further.</summary>
    /// <param name="operation">Id of the export's operation.</param>
    /// <param name="target">Seekable; what it holds already is taken as fetched before.</param>
    /// <param name="progress">Told the bytes fetched so far; null: not wanted.</param>
    /// <param name="cancellationToken">Ends the fetching; the export waits on.</param>
    public async Task FetchAsync(string operation, Stream target, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            long before = target.Length;
            try
            {
                await FetchRestAsync(operation, target, progress, cancellationToken);
                return;
            }
            catch (Exception broken) when (!cancellationToken.IsCancellationRequested && broken is HttpRequestException or IOException)
            {
                if (target.Length > before) attempt = 1;
                if (RetryPlan.PauseAfter(attempt, null, null) is not { } pause) throw _connection.Unreachable(broken);
                await Task.Delay(pause, _connection.Time, cancellationToken);
            }
        }
    }

    public Task DeleteAsync(string operation, CancellationToken cancellationToken) => _connection.DeleteAsync(Path(operation), cancellationToken);

    private async Task FetchRestAsync(string operation, Stream target, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        long from = target.Length;
        var request = new ApiRequest(HttpMethod.Get, Path(operation)) { Accept = "application/octet-stream, application/problem+json", RangeFrom = from, Streams = true };
        using var response = await _connection.SendAsync(request, cancellationToken);
        // The whole file although a part was asked for: what came before is overwritten.
        target.Position = response.StatusCode == System.Net.HttpStatusCode.PartialContent ? from : 0;
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        byte[] buffer = new byte[ChunkBytes];
        int count;
        while ((count = await body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            await target.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            progress?.Report(target.Position);
        }
    }

    private static string Path(string operation) => ApiPath.Of("exports", operation);
}
