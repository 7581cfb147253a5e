using System.Security.Cryptography;
using Lamina.Server.Auth;
using Lamina.Server.Cluster;
using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;
using Lamina.Tests.Unit.Store;
using Microsoft.Extensions.Logging.Abstractions;
using TestEtcd = Lamina.Testing.Store.EtcdServer;

namespace Lamina.Tests.Integration.Store;

/// <summary>An etcd that has used up its quota.</summary>
public sealed class EtcdRoomTests
{
    private const long QuotaBytes = 8 << 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_has_filled_up_with_history_says_so_and_is_written_again_when_that_was_dropped()
    {
        await using var etcd = await TestEtcd.StartAsync(quotaBytes: QuotaBytes);
        await using var store = await EtcdStore.OpenAsync(etcd.Access, TimeProvider.System, Cancellation);
        using var ca = Certificates.CreateCa("test", TimeProvider.System.GetUtcNow());
        using var admin = new EtcdAdmin(() => etcd.Access.Endpoints, () => ca, ca.ExportCertificatePem());
        var room = new EtcdRoom(admin, () => etcd.Access.Endpoints[0], QuotaBytes, TimeProvider.System, NullLogger<EtcdRoom>.Instance);
        await store.PutAsync("kept", "1");
        Assert.False(await room.LookAsync(etcd.Access.Endpoints[0], Cancellation));

        var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(() => FillAsync(store));
        Assert.Contains("used up its room", refusal.Message);
        Assert.NotNull(await store.GetAsync("kept", Cancellation));

        Assert.True(await room.LookAsync(etcd.Access.Endpoints[0], Cancellation));
        await store.PutAsync("after", "1");
        Assert.NotNull(await store.GetAsync("kept", Cancellation));
        Assert.False(await room.LookAsync(etcd.Access.Endpoints[0], Cancellation));
    }

    /// <summary>One key, written again and again: it is the history that grows.</summary>
    private static async Task FillAsync(EtcdStore store)
    {
        for (int written = 0; written < 2 * QuotaBytes; written += StoreLimits.ValueBytes)
        {
            var put = new StoreWrite.Put("big", RandomNumberGenerator.GetBytes(StoreLimits.ValueBytes));
            await store.CommitAsync(new StoreTransaction { Writes = [put] }, Cancellation);
        }
    }
}
