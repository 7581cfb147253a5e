using System.Security.Cryptography;
using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Http;

namespace Lamina.Server.Upgrades;

/// <summary>
/// The packages that lie on this host, named by their SHA-256: brought by a person to one host, and fetched by the others from it over <c>/peer/v1/upgrades/{sha256}</c>.
/// </summary>
internal sealed class UpgradePackages(VersionFolder versions, PeerDirectory peers, Cache cache)
{
    private const string Pattern = "/peer/v1/upgrades/{sha256}";

    /// <summary>The newest of them; more are of no use.</summary>
    private const int MostKept = 2;

    /// <summary>No package of Lamina comes near it.</summary>
    private const long MostBytes = 1L << 30;

    public void Map(PeerRoutes routes) => routes.Get(Pattern, async request =>
    {
        if (Find(request.Route("sha256")) is not { } file) throw NotHere(request.Route("sha256"));
        await using var source = File.OpenRead(file);
        request.Http.Response.ContentType = "application/octet-stream";
        request.Http.Response.ContentLength = source.Length;
        await source.CopyToAsync(request.Http.Response.Body, request.Aborted);
    });

    /// <summary>Takes a package in.</summary>
    /// <exception cref="ProblemException">It is none, or there is no room for it.</exception>
    public async Task<UpgradePackage> ReceiveAsync(Stream body, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(versions.Packages, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        string temporary = Path.Combine(versions.Packages, $".tmp-{Guid.NewGuid():N}");
        try
        {
            var (sha256, size) = await WriteAsync(body, temporary, cancellationToken);
            var package = await DebianPackage.ReadAsync(temporary, cancellationToken);
            File.Move(temporary, FileOf(sha256), overwrite: true);
            DurableFile.SyncDirectory(versions.Packages);
            Tidy();
            return new UpgradePackage { Version = package.Version, Sha256 = sha256, SizeBytes = size };
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <exception cref="ProblemException">It does not lie here.</exception>
    public async Task<UpgradePackage> ShowAsync(string sha256, CancellationToken cancellationToken)
    {
        string file = Find(sha256) ?? throw NotHere(sha256);
        return new UpgradePackage { Version = (await DebianPackage.ReadAsync(file, cancellationToken)).Version, Sha256 = sha256, SizeBytes = new FileInfo(file).Length };
    }

    /// <summary>Makes sure that a package lies here, and gives its file.</summary>
    /// <exception cref="ProblemException">It is not to be had, or is not what it should be.</exception>
    public async Task<string> EnsureAsync(string sha256, string hostId, CancellationToken cancellationToken)
    {
        if (Find(sha256) is { } here) return here;
        string from = cache.Snapshot.HostName(hostId);
        if (peers.Find(hostId) is not { } peer) throw Away(from, "it is not reached", null);
        try
        {
            using var message = new HttpRequestMessage(HttpMethod.Get, new Uri(peer.Base, Pattern.Replace("{sha256}", sha256, StringComparison.Ordinal)));
            using var answer = await peer.Invoker.SendAsync(message, cancellationToken);
            if (!answer.IsSuccessStatusCode) throw Away(from, $"it answers {(int)answer.StatusCode}", null);
            await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
            var came = await ReceiveAsync(body, cancellationToken);
            return came.Sha256 == sha256 ? FileOf(sha256) : throw Away(from, $"what came has another checksum ({came.Sha256})", null);
        }
        catch (Exception failure) when (failure is HttpRequestException or HttpIOException)
        {
            throw Away(from, failure.Message, failure);
        }
    }

    private static async Task<(string Sha256, long Size)> WriteAsync(Stream body, string file, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var target = new FileStream(file, FileMode.CreateNew, FileAccess.Write);
        byte[] buffer = new byte[1 << 18];
        int read;
        while ((read = await body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            if (target.Length + read > MostBytes) throw new ProblemException(ProblemKind.TooLarge, "upgrade.packageLarge", $"The package is larger than {Sizes.Format(MostBytes)}.", "Is it one of Lamina?");
            hash.AppendData(buffer, 0, read);
            await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        target.Flush(flushToDisk: true);
        return (Convert.ToHexStringLower(hash.GetHashAndReset()), target.Length);
    }

    private string? Find(string sha256) => sha256.Length == SHA256.HashSizeInBytes * 2 && sha256.All(char.IsAsciiHexDigitLower) && File.Exists(FileOf(sha256)) ? FileOf(sha256) : null;

    private string FileOf(string sha256) => Path.Combine(versions.Packages, $"{sha256}.deb");

    private void Tidy()
    {
        foreach (var old in new DirectoryInfo(versions.Packages).EnumerateFiles("*.deb").OrderByDescending(file => file.LastWriteTimeUtc).Skip(MostKept)) old.Delete();
    }

    private static ProblemException NotHere(string sha256) => new(
        ProblemKind.NotFound, "upgrade.packageUnknown", $"There is no package {sha256} on this host.", "Bring it here first: lamina cluster upgrade --package FILE");

    private static ProblemException Away(string host, string why, Exception? cause) => new(
        ProblemKind.Unavailable, "upgrade.packageAway", $"The package is on host '{host}', and {why}.", "Try again when that host answers, or bring the package to another host.", cause);
}
