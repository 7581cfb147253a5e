namespace Lamina.Api.Client;

/// <summary><c>/v1/uploads</c>: files on their way in.</summary>
public sealed class UploadsClient
{
    private const string OffsetHeader = "Upload-Offset";

    private readonly ApiConnection _connection;

    internal UploadsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Upload> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(ApiPath.Of("uploads").With("project", _connection.Project), ApiJson.Default.PageUpload, cancellationToken);

    public Task<Answer<Upload>> GetAsync(string id, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(id), ApiJson.Default.Upload, cancellationToken);

    public Task<Upload> CreateAsync(UploadCreate create, CancellationToken cancellationToken) => _connection.CreateAsync(
        ApiPath.Of("uploads").With("project", create.Project ?? _connection.Project), create, ApiJson.Default.UploadCreate, ApiJson.Default.Upload, cancellationToken);

    public Task DeleteAsync(string id, CancellationToken cancellationToken) => _connection.DeleteAsync(Path(id), cancellationToken);

    /// <summary>How many bytes the daemon has.</summary>
    public async Task<long> GetOffsetAsync(string id, CancellationToken cancellationToken)
    {
        using var response = await _connection.SendAsync(new ApiRequest(HttpMethod.Head, Path(id)), cancellationToken);
        return response.Headers.TryGetValues(OffsetHeader, out var values) && long.TryParse(values.First(), out long offset)
            ? offset
            : throw new LaminaUnreachableException($"{_connection.Description} did not tell how much of upload {id} it has.");
    }

    /// <summary>Reserves room for the whole stream and sends it; a broken line is resumed where the daemon stands.</summary>
    /// <param name="source">Seekable, from its beginning.</param>
    /// <param name="create">Pool and project; the size is taken from the stream.</param>
    /// <param name="progress">Told the bytes sent so far; null: not wanted.</param>
    /// <param name="cancellationToken">Ends the sending; the daemon sweeps what is unfinished.</param>
    public async Task<Upload> SendAsync(Stream source, UploadCreate create, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var upload = await CreateAsync(create with { SizeBytes = source.Length }, cancellationToken);
        return upload with { OffsetBytes = await ResumeAsync(upload.Id, source, progress, cancellationToken) };
    }

    /// <summary>Sends what the daemon does not have yet, until it has all; gives up when attempts stop getting further.</summary>
    public async Task<long> ResumeAsync(string id, Stream source, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        long offset = await GetOffsetAsync(id, cancellationToken);
        for (int attempt = 1; offset < source.Length; attempt++)
        {
            try
            {
                await AppendAsync(id, source, offset, progress, cancellationToken);
                return source.Length;
            }
            catch (LaminaUnreachableException) when (RetryPlan.PauseAfter(attempt, null, null) is { } pause)
            {
                await Task.Delay(pause, _connection.Time, cancellationToken);
            }

            long reached = await GetOffsetAsync(id, cancellationToken);
            if (reached > offset) attempt = 0;
            offset = reached;
        }

        return offset;
    }

    private string Path(string id) => ApiPath.Of("uploads", id).With("project", _connection.Project);

    private async Task AppendAsync(string id, Stream source, long offset, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var request = new ApiRequest(HttpMethod.Patch, Path(id))
        {
            Content = () => new UploadContent(source, offset, progress),
            Streams = true,
        };
        using var response = await _connection.SendAsync(request, cancellationToken);
    }

    private sealed class UploadContent : StreamContent
    {
        public UploadContent(Stream source, long offset, IProgress<long>? progress)
            : base(new ProgressStream(source, offset, progress), 256 * 1024)
        {
            Headers.ContentType = new("application/offset+octet-stream");
            Headers.ContentLength = source.Length - offset;
            Headers.Add(OffsetHeader, offset.ToString());
        }
    }
}
