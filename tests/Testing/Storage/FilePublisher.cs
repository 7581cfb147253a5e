using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Lamina.Testing.Storage;

/// <summary>A publisher of images on the loopback: files with ranges, their checksum files, a page for the folder; and a line that breaks when told to.</summary>
internal sealed class FilePublisher : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, byte[]> _files = new(StringComparer.Ordinal);
    private readonly WebApplication _web;
    private int _breakAfterBytes = int.MaxValue;
    private volatile bool _holdsBack;

    private FilePublisher(WebApplication web) => _web = web;

    /// <summary>Of its one folder, with the slash at the end.</summary>
    public string Folder => _web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single() + "/images/";

    /// <summary>What was asked for, with the first byte of a range.</summary>
    public ConcurrentQueue<(string Name, long From)> Asked { get; } = new();

    public static async Task<FilePublisher> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var publisher = new FilePublisher(builder.Build());
        publisher._web.Run(publisher.AnswerAsync);
        await publisher._web.StartAsync();
        return publisher;
    }

    /// <summary>Publishes a file, and its name in SHA256SUMS, SHA512SUMS and CHECKSUM.</summary>
    public void Publish(string name, byte[] content)
    {
        _files[name] = content;
        var files = _files.Where(file => !file.Key.Contains("SUM", StringComparison.Ordinal)).ToList();
        _files["SHA256SUMS"] = Lines(files.Select(file => $"{Convert.ToHexStringLower(SHA256.HashData(file.Value))}  {file.Key}"));
        _files["SHA512SUMS"] = Lines(files.Select(file => $"{Convert.ToHexStringLower(SHA512.HashData(file.Value))} *{file.Key}"));
        _files["CHECKSUM"] = Lines(files.Select(file => $"SHA256 ({file.Key}) = {Convert.ToHexStringLower(SHA256.HashData(file.Value))}"));
    }

    /// <summary>Changes a file behind its checksum's back.</summary>
    public void Forge(string name, byte[] content) => _files[name] = content;

    /// <summary>Each answer breaks off after so many bytes.</summary>
    public void BreakAfter(int bytes) => _breakAfterBytes = bytes;

    /// <summary>From now on a file's first byte is sent and nothing more, until the one who asked hangs up.</summary>
    public void HoldBack() => _holdsBack = true;

    public ValueTask DisposeAsync() => _web.DisposeAsync();

    private static byte[] Lines(IEnumerable<string> lines) => Encoding.ASCII.GetBytes(string.Join('\n', lines) + "\n");

    private async Task AnswerAsync(HttpContext http)
    {
        string name = Uri.UnescapeDataString(http.Request.Path.Value!["/images/".Length..]);
        if (name.Length == 0)
        {
            await http.Response.WriteAsync(string.Concat(_files.Keys.Select(file => $"<a href=\"{file}\">{file}</a>\n")));
            return;
        }

        if (!_files.TryGetValue(name, out var content))
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        int from = (int)(http.Request.GetTypedHeaders().Range?.Ranges.Single().From ?? 0);
        if (http.Request.Method == HttpMethods.Get) Asked.Enqueue((name, from));
        if (from > 0) http.Response.StatusCode = StatusCodes.Status206PartialContent;
        http.Response.ContentLength = content.Length - from;
        if (http.Request.Method == HttpMethods.Head) return;
        if (_holdsBack)
        {
            await http.Response.Body.WriteAsync(content.AsMemory(from, 1));
            await http.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        int count = Math.Min(content.Length - from, name.Contains("SUM", StringComparison.Ordinal) ? int.MaxValue : _breakAfterBytes);
        await http.Response.Body.WriteAsync(content.AsMemory(from, count));
        await http.Response.Body.FlushAsync();
        if (count < content.Length - from) http.Abort();
    }
}
