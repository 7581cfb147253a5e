using System.Formats.Tar;
using System.IO.Compression;

namespace Lamina.Server;

/// <summary>An archive (tar, gzip) on its way to somebody: plain files, readable by their owner only.</summary>
internal sealed class Archive : IAsyncDisposable
{
    public const string MediaType = "application/gzip";

    private readonly GZipStream _zipped;
    private readonly TarWriter _tar;

    /// <param name="output">Where to; left open.</param>
    /// <param name="level">How much time is spent on its size.</param>
    public Archive(Stream output, CompressionLevel level)
    {
        _zipped = new GZipStream(output, level, leaveOpen: true);
        _tar = new TarWriter(_zipped, TarEntryFormat.Pax, leaveOpen: true);
    }

    public Task AddAsync(string name, Stream content, CancellationToken cancellation) => _tar.WriteEntryAsync(
        new PaxTarEntry(TarEntryType.RegularFile, name) { Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, DataStream = content }, cancellation);

    public async Task AddAsync(string name, byte[] content, CancellationToken cancellation)
    {
        using var stream = new MemoryStream(content);
        await AddAsync(name, stream, cancellation);
    }

    /// <summary>Writes what is still held back, and the end.</summary>
    public async ValueTask DisposeAsync()
    {
        await _tar.DisposeAsync();
        await _zipped.DisposeAsync();
    }
}
