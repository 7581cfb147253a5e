using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Testing.Media;
using Lamina.Testing.Server;
using Lamina.Testing.Storage;

namespace Lamina.Tests.Integration.Vms;

/// <summary>A pool that fills under a guest: the guest waits, loses nothing, and goes on by itself once there is room.</summary>
public sealed class FullPoolTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _deadline = new(TimeSpan.FromMinutes(5));
    private SmallFileSystem _small = null!;
    private TestDaemon _daemon = null!;

    public async ValueTask InitializeAsync()
    {
        _small = await SmallFileSystem.MountAsync(160);
        _daemon = await TestDaemon.StartAsync($"pool:\n  path: {_small.Path}\n");
        await LowerReserveAsync();
        await GuestDaemon.UploadSmallLinuxAsync(_daemon.Client, _deadline.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _daemon.DisposeAsync();
        await _small.DisposeAsync();
        _deadline.Dispose();
    }

    [Fact]
    public async Task A_guest_waits_for_room_and_goes_on()
    {
        var client = _daemon.Client;
        string write = "dd if=/dev/zero of=/dev/vda bs=1M count=48 conv=fsync && echo WRITTEN";
        var create = GuestDaemon.SmallLinuxVm("writer", write) with { Disks = [new VmDiskCreate { SizeBytes = 256 << 20, Format = DiskFormat.Raw }] };
        string ballast = Path.Combine(_small.Path, "ballast");
        await using (var file = File.Create(ballast))
        {
            long free = new DriveInfo(_small.Path).AvailableFreeSpace;
            file.SetLength(0);
            byte[] block = new byte[1 << 20];
            for (long left = free - (34 << 20); left > 0; left -= block.Length) await file.WriteAsync(block, _deadline.Token);
        }

        var operation = await client.Operations.WaitAsync((await client.Vms.CreateAsync(create, _deadline.Token)).Id, null, _deadline.Token);
        Assert.True(operation.State!.Phase == OperationPhase.Succeeded, operation.State.Failure?.Message);
        var paused = await UntilAsync(vm => vm.Status!.State == VmState.Paused);
        Assert.Equal((PauseCause.PoolFull, "pool.full"), (paused.Status!.PauseCause, paused.Status.Failure!.Code));

        File.Delete(ballast);
        var running = await UntilAsync(vm => vm.Status!.State == VmState.Running);
        Assert.Equal((1L, null), (running.Status!.Run, running.Status.Failure));
        string said = "";
        while (!said.Contains("WRITTEN", StringComparison.Ordinal))
        {
            using var serial = new MemoryStream();
            await client.Vms.CopySerialHistoryAsync("writer", serial, _deadline.Token);
            said = System.Text.Encoding.UTF8.GetString(serial.ToArray());
            Assert.DoesNotContain("error", said, StringComparison.OrdinalIgnoreCase);
            await Task.Delay(TimeSpan.FromMilliseconds(100), _deadline.Token);
        }
    }

    /// <summary>Its default is more than this whole file system.</summary>
    private async Task LowerReserveAsync()
    {
        var store = _daemon.Daemon.Store;
        await foreach (var page in store.ListAsync([Keys.Pools.Spec.Prefix], null, _deadline.Token))
        {
            foreach (var item in page.Items.Where(item => Keys.Pools.Spec.IdOf(item.Key) is not null))
            {
                var spec = RecordJson.Read(item, Keys.Pools.Spec);
                await new StoreChange("test.reserve").Put(Keys.Pools.Spec, Keys.Pools.Spec.IdOf(item.Key)!, spec with { ReserveBytes = 16 << 20 }).CommitAsync(store, TimeProvider.System, _deadline.Token);
            }
        }
    }

    private async Task<Vm> UntilAsync(Func<Vm, bool> wanted)
    {
        while (true)
        {
            var vm = (await _daemon.Client.Vms.GetAsync("writer", _deadline.Token)).Value;
            if (wanted(vm)) return vm;
            await Task.Delay(TimeSpan.FromMilliseconds(50), _deadline.Token);
        }
    }
}
