using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>
/// Keeps this host's certificate valid and known, and the list of those that count no more, which etcd reads: the certificates of hosts that were removed.
/// </summary>
internal sealed partial class HostTrust(
    Instance instance, TlsIdentity tls, HostCertificate certificate, IStore store, Cache cache, TimeProvider time, ILogger<HostTrust> logger)
{
    private const int SerialsKept = 4;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(30);

    public HostCertificate Certificate => certificate;

    /// <summary>Called when this host has got a new certificate.</summary>
    public Action? Renewed { get; set; }

    /// <summary>Renews when due, and writes what follows from the records; until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var subscription = cache.Subscribe(Keys.RemovedHosts);
        await using var changes = subscription.ReadAllAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        var changed = changes.MoveNextAsync().AsTask();
        while (true)
        {
            bool done = await TryStepAsync(cancellationToken);
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var tick = Task.Delay(done ? TlsIdentity.CheckInterval : Retry, time, waiting.Token);
            await Task.WhenAny(changed, tick);
            await waiting.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            if (changed.IsCompleted) changed = changes.MoveNextAsync().AsTask();
        }
    }

    /// <summary>Makes a new certificate now, and says so in the store.</summary>
    public async Task RotateAsync(CancellationToken cancellationToken)
    {
        certificate.Rotate();
        Renewed?.Invoke();
        await RecordAsync(cancellationToken);
    }

    /// <summary>Needed before etcd starts, which reads the list at each handshake and refuses all of them without one.</summary>
    public static void EnsureList(Instance instance, TlsIdentity tls)
    {
        if (!File.Exists(EtcdArguments.RevokedFile(instance))) WriteList(instance, tls, []);
    }

    private async Task<bool> TryStepAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (certificate.RenewIfDue()) Renewed?.Invoke();
            await RecordAsync(cancellationToken);
            string[] revoked = [.. cache.Snapshot.All(Keys.RemovedHosts).SelectMany(removed => removed.Record.SerialNumbers).Order(StringComparer.Ordinal)];
            WriteList(instance, tls, revoked);
            return true;
        }
        catch (Exception failure) when (failure is IOException or CryptographicException or UnauthorizedAccessException)
        {
            LogFailed(logger, failure);
            return false;
        }
    }

    private async Task RecordAsync(CancellationToken cancellationToken)
    {
        var current = certificate.Current;
        var former = cache.Snapshot.Get(Keys.Hosts.Certificate, certificate.HostId)?.Record;
        if (former is { SerialNumbers: [var latest, ..] } && latest == current.SerialNumber) return;
        var record = new HostCertificateRecord
        {
            SerialNumbers = [current.SerialNumber, .. (former?.SerialNumbers ?? []).Take(SerialsKept - 1)],
            NotAfter = current.NotAfter,
        };
        await new StoreChange("host.certificate").Put(Keys.Hosts.Certificate, certificate.HostId, record).CommitAsync(store, time, cancellationToken);
    }

    private static void WriteList(Instance instance, TlsIdentity tls, IReadOnlyList<string> serials)
    {
        string file = EtcdArguments.RevokedFile(instance);
        string marker = file + ".serials";
        string wanted = $"{tls.CaFingerprint} {string.Join(' ', serials)}";
        if (File.Exists(file) && File.Exists(marker) && File.ReadAllText(marker) == wanted) return;
        DurableFile.Write(file, tls.SignRevocations(serials), OwnerOnly);
        DurableFile.Write(marker, System.Text.Encoding.ASCII.GetBytes(wanted), OwnerOnly);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "This host's certificate or the list of revoked ones could not be kept; it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception failure);
}
