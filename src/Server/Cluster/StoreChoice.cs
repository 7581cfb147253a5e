using System.Text.Json;
using Lamina.Linux.Files;
using Lamina.Server.Auth;
using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;

namespace Lamina.Server.Cluster;

/// <summary>Which store a host uses: <c>store.json</c> says it.</summary>
internal static class StoreChoice
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static bool IsEtcd(string folder) => File.Exists(Path.Combine(folder, "store.json")) && File.ReadAllText(Path.Combine(folder, "store.json")).Contains("\"etcd\"", StringComparison.Ordinal);

    public static async Task<IStore> OpenAsync(Instance instance, ClusterStart? member, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellation)
    {
        if (member is null) return SqliteStore.Open(instance.StoreDirectory, time, loggers.CreateLogger<SqliteStore>());
        while (true)
        {
            try
            {
                return await EtcdStore.OpenAsync(Access(instance, member.Membership), time, cancellation);
            }
            catch (StoreUnavailableException)
            {
                await Task.Delay(Pause, time, cancellation);
            }
        }
    }

    public static async Task MoveToEtcdAsync(Instance instance, IStore store, Membership membership, CancellationToken cancellation, TimeProvider time)
    {
        await using var target = await EtcdStore.OpenAsync(Access(instance, membership), time, cancellation);
        await foreach (var page in store.ListAsync([""], null, cancellation))
        {
            foreach (var chunk in page.Items.Where(item => item.LeaseId == 0).Chunk(10))
                await target.CommitAsync(new StoreTransaction { Writes = [.. chunk.Select(item => new StoreWrite.Put(item.Key, item.Value))] }, cancellation);
        }

        UseEtcd(instance.StoreDirectory, target.StoreId);
    }

    public static void UseEtcd(string folder, string storeId) => DurableFile.Write(
        Path.Combine(folder, "store.json"),
        JsonSerializer.SerializeToUtf8Bytes(new StoreDescription("etcd", storeId), StoreJson.Default.StoreDescription),
        UnixFileMode.UserRead | UnixFileMode.UserWrite);

    public static void Use(Instance instance, Membership membership)
    {
        _ = membership;
        UseEtcd(instance.StoreDirectory, "etcd");
    }

    public static EtcdAccess Access(Instance instance, Membership membership) => new()
    {
        Endpoints = membership.Endpoints,
        CaFile = membership.External?.CaFile ?? HostCertificate.CaFileIn(instance.SecretsDirectory),
        CertificateFile = membership.External?.CertificateFile ?? HostCertificate.FileIn(instance.SecretsDirectory),
        KeyFile = membership.External?.KeyFile ?? HostCertificate.FileIn(instance.SecretsDirectory),
    };
}
