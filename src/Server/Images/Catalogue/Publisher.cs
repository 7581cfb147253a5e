using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Lamina.Api;

namespace Lamina.Server.Images.Catalogue;

/// <summary>What a publisher offers now.</summary>
/// <param name="Url">The file, without patterns.</param>
/// <param name="Digest">As the publisher's checksum file says, or as given by hand.</param>
internal sealed record PublishedFile(Uri Url, ContentDigest Digest);

/// <summary>Asks publishers over HTTP; obeys the proxy of the daemon's environment. A redirection never leads from https to http.</summary>
internal sealed class Publisher : IDisposable
{
    private static readonly TimeSpan TextPatience = TimeSpan.FromSeconds(60);

    private readonly HttpClient _client;

    public Publisher()
    {
        _client = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(20),
            MaxAutomaticRedirections = 5,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Lamina", BuildInformation.Version));
    }

    /// <summary>Finds the newest file that fits, and its checksum.</summary>
    /// <exception cref="ProblemException">The publisher does not answer, or has no such file or checksum.</exception>
    public async Task<PublishedFile> ResolveAsync(ImageSource source, CancellationToken cancellation)
    {
        var file = await FindAsync(new Uri(source.Url), cancellation);
        if (source.Sha256 is { } given) return new PublishedFile(file, new ContentDigest(ContentDigest.Sha256, given));
        string name = CatalogueRules.NameOf(file.AbsoluteUri);
        var checksums = await FindAsync(new Uri(source.ChecksumsUrl!.Replace("{file}", name, StringComparison.Ordinal)), cancellation);
        var digest = ChecksumFile.Find(await ReadTextAsync(checksums, ChecksumFile.MaxBytes, cancellation), name) ?? throw new ProblemException(
            ProblemKind.Unprocessable, "image.checksumMissing", $"{checksums} does not list {name}: nothing can be compared, so nothing is pulled.",
            "The publisher may be in the midst of a release: try again later, or correct the catalogue's entry.");
        return new PublishedFile(file, digest);
    }

    /// <summary>How large a file is.</summary>
    /// <exception cref="ProblemException">The publisher does not say.</exception>
    public async Task<long> SizeAsync(Uri url, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, url);
        using var response = await SendAsync(request, cancellation);
        return response.Content.Headers.ContentLength is > 0 and var size ? size : throw new ProblemException(
            ProblemKind.Unprocessable, "image.sizeUnknown", $"{url} does not tell its size, so no room can be reserved for it.", "Download it yourself, then: lamina image import FILE.");
    }

    /// <summary>The file's bytes from <paramref name="offset"/> on; a server that cannot go on is read from the start and skipped.</summary>
    /// <exception cref="HttpRequestException">Not now.</exception>
    /// <exception cref="IOException">The line broke.</exception>
    public async Task<Stream> OpenAsync(Uri url, long offset, CancellationToken cancellation)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (offset > 0) request.Headers.Range = new RangeHeaderValue(offset, null);
        var response = await SendAsync(request, cancellation);
        var body = await response.Content.ReadAsStreamAsync(cancellation);
        if (offset > 0 && response.StatusCode != HttpStatusCode.PartialContent) await SkipAsync(body, offset, cancellation);
        return body;
    }

    public void Dispose() => _client.Dispose();

    private async Task<Uri> FindAsync(Uri url, CancellationToken cancellation)
    {
        string pattern = CatalogueRules.NameOf(url.AbsoluteUri);
        if (!FilePattern.IsPattern(pattern)) return url;
        var folder = new Uri(url, ".");
        string name = FilePattern.Newest(await ReadTextAsync(folder, ChecksumFile.MaxBytes, cancellation), pattern) ?? throw new ProblemException(
            ProblemKind.Unprocessable, "image.notPublished", $"{folder} has no file like {pattern}.", "The publisher may have moved it: correct the catalogue's entry.");
        return new Uri(folder, Uri.EscapeDataString(name));
    }

    private async Task<string> ReadTextAsync(Uri url, int mostBytes, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(TextPatience);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            using var response = await SendAsync(request, deadline.Token);
            await using var body = await response.Content.ReadAsStreamAsync(deadline.Token);
            var text = new byte[mostBytes + 1];
            int length = await body.ReadAtLeastAsync(text, text.Length, throwOnEndOfStream: false, deadline.Token);
            return length <= mostBytes ? Encoding.UTF8.GetString(text, 0, length) : throw new ProblemException(
                ProblemKind.Unprocessable, "image.pageTooLarge", $"{url} has more than {Sizes.Format(mostBytes)}: that is no list of files or checksums.", "Correct the URL.");
        }
        catch (Exception broken) when (!cancellation.IsCancellationRequested && broken is HttpRequestException or IOException or OperationCanceledException)
        {
            throw Unreachable(url, broken);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        HttpResponseMessage response;
        try
        {
            response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (HttpRequestException broken)
        {
            throw Unreachable(request.RequestUri!, broken);
        }

        if (response.IsSuccessStatusCode) return response;
        int status = (int)response.StatusCode;
        response.Dispose();
        throw new ProblemException(
            ProblemKind.Unprocessable, "image.publisherRefused", $"{request.RequestUri} answers {status}.",
            status == 404 ? "The publisher may have moved it: correct the URL, or the catalogue's entry." : "Try again later.");
    }

    private static async Task SkipAsync(Stream body, long bytes, CancellationToken cancellation)
    {
        var buffer = new byte[64 * 1024];
        while (bytes > 0)
        {
            int count = await body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(bytes, buffer.Length)), cancellation);
            if (count == 0) throw new IOException("The publisher's file is shorter than before.");
            bytes -= count;
        }
    }

    private static ProblemException Unreachable(Uri url, Exception cause) => new(
        ProblemKind.Unavailable, "image.publisherUnreachable", $"{url.Host} cannot be reached: {cause.Message}",
        "Check this host's network and proxy (HTTPS_PROXY in the daemon's environment), and try again; what has come is kept for a day.", cause);
}
