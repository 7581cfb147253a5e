using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Snapshots;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;

namespace Lamina.Tests.Unit.Snapshots;

/// <summary>What the firmware and the TPM keep belongs to a snapshot as the disks do.</summary>
public class SnapshotFilesTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nvram_and_tpm_come_back_by_a_restore(bool runs)
    {
        await using var host = await VmTestHost.CreateAsync(new FakeEngine());
        var (vm, created) = await host.CreateVmAsync(new VmCreate { Name = "web1", MemoryMiB = 256, Nics = [], Disks = [new VmDiskCreate { SizeBytes = 1 << 20 }], Start = runs });
        await SucceedsAsync(host, created);
        string home = Path.Join(host.Instance.DefaultPoolDirectory, "vms", vm);
        Write(home, "nvram/OVMF_VARS.fd", "keys of then");
        Write(home, "tpm/tpm2-00.permall", "seeds of then");
        Write(home, "tpm/.lock", "of swtpm then");
        var (snapshot, taking) = await host.SnapshotAsync(vm, "then", withMemory: false);
        await SucceedsAsync(host, taking);
        var status = host.Cache.Snapshot.Get(Keys.Snapshots.Status, snapshot)!.Record;
        Assert.Equal((true, true), (status.Nvram, status.Tpm));
        string copy = Path.Join(home, status.Folder, "tpm", "tpm2-00.permall");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(copy));

        Write(home, "nvram/OVMF_VARS.fd", "longer and other keys of now");
        Write(home, "tpm/tpm2-00.permall", "now");
        Write(home, "tpm/tpm2-00.volatilestate", "was not there then");
        Write(home, "tpm/.lock", "of swtpm now");
        for (int time = 0; time < 2; time++)
        {
            await SucceedsAsync(host, await host.JobAsync(HostSnapshots.Restore, snapshot));
            Assert.Equal("keys of then", Read(home, "nvram/OVMF_VARS.fd"));
            Assert.Equal("seeds of then", Read(home, "tpm/tpm2-00.permall"));
            Assert.Equal("of swtpm now", Read(home, "tpm/.lock"));
            Assert.False(File.Exists(Path.Join(home, "tpm/tpm2-00.volatilestate")));
            Write(home, "nvram/OVMF_VARS.fd", "and once more");
        }
    }

    [Fact]
    public async Task A_layer_that_a_restore_drops_takes_its_file_with_it()
    {
        await using var host = await VmTestHost.CreateAsync(new FakeEngine());
        var (vm, created) = await host.CreateVmAsync(new VmCreate { Name = "web1", MemoryMiB = 256, Nics = [], Disks = [new VmDiskCreate { SizeBytes = 1 << 20 }] });
        await SucceedsAsync(host, created);
        var (snapshot, taking) = await host.SnapshotAsync(vm, "then", withMemory: false);
        await SucceedsAsync(host, taking);
        string disk = host.Cache.Snapshot.Get(Keys.Vms.Spec, vm)!.Record.Disks[0].Disk;
        string folder = Path.Join(host.Instance.DefaultPoolDirectory, "disks", disk);
        string dropped = Path.Join(folder, $"{taking}.qcow2");
        Assert.True(File.Exists(dropped));

        string restoring = await host.JobAsync(HostSnapshots.Restore, snapshot);
        await SucceedsAsync(host, restoring);
        while (File.Exists(dropped)) await Task.Delay(5, TestContext.Current.CancellationToken);
        Assert.Equal(["disk.qcow2", $"{restoring}.qcow2"], Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal).Reverse());
    }

    private static async Task SucceedsAsync(VmTestHost host, string operation)
    {
        var ended = await host.EndOfAsync(operation);
        Assert.True(ended.Phase == OperationPhase.Succeeded, ended.Failure?.ToString());
    }

    private static void Write(string home, string name, string text)
    {
        string path = Path.Join(home, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private static string Read(string home, string name) => File.ReadAllText(Path.Join(home, name));
}
