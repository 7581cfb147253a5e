using System.Text;
using Lamina.Api;
using Lamina.Testing.Server;
using Lamina.Tests.Integration.Engine;

namespace Lamina.Tests.Integration.Migration;

/// <summary>What belongs to the VM itself goes with its guest from daemon to daemon: a TPM, firmware variables, and that it is paused.</summary>
public class OwnFilesTests(HostsOnOneStore hosts) : IClassFixture<HostsOnOneStore>
{
    /// <summary>So slow that there is time to break it.</summary>
    private const long Slow = 8 << 20;

    private const string AsksTpm = $"(while true; do ({TpmTests.Define}); sleep 1; done) &";

    [Fact]
    public async Task A_TPM_goes_over_and_back_with_a_guest_that_runs_or_is_paused_and_stays_whole_when_it_does_not()
    {
        var vm = await hosts.LaunchAsync("keeper", also: AsksTpm, shape: create => create with { Tpm = true });
        await SaysAsync(vm, TpmTests.WasDefined);
        string own = await OwnFolderAsync(vm);

        // Given up: it has what it had, and nothing is left of the other.
        var operation = await hosts.MigrateAsync("keeper", hosts.Second, Slow);
        await hosts.UntilAsync(async () => (await hosts.First.Client.Operations.GetAsync(operation.Id, hosts.Deadline)).State?.Message?.Contains(" sent", StringComparison.Ordinal) == true);
        Assert.True(Directory.Exists(Path.Combine(own, "tpm-arriving")));
        foreach (int process in HostsOnOneStore.ProcessesOf(hosts.Second, vm)) HostsOnOneStore.Kill(process);
        Assert.Equal(OperationPhase.Failed, (await hosts.EndOfAsync(operation)).State!.Phase);
        await hosts.UntilAsync(() => Task.FromResult(!Directory.Exists(Path.Combine(own, "tpm-arriving"))));

        await AsksAsync(await hosts.First.Client.Vms.PauseAsync("keeper", hosts.Deadline));
        var there = await hosts.MovedAsync("keeper", hosts.Second);
        Assert.Equal((VmState.Paused, PauseCause.Request, hosts.Second), (there.Status!.State, there.Status.PauseCause, hosts.HostOf(there)));
        Assert.Empty(HostsOnOneStore.ProcessesOf(hosts.First, vm));
        Assert.Equal(["tpm"], TpmFoldersOf(own));
        await hosts.Second.RestartAsync();
        await AsksAsync(await hosts.First.Client.Vms.ResumeAsync("keeper", hosts.Deadline));
        await SaysAsync(there, TpmTests.WasDefined);
        var back = await hosts.MovedAsync("keeper", hosts.First);
        int count = await hosts.CountAsync(back);
        await hosts.UntilAsync(async () => await hosts.CountAsync(back) > count);
        await SaysAsync(back, TpmTests.WasDefined);
        Assert.Equal(["tpm"], TpmFoldersOf(own));
    }

    /// <summary>Nothing is shared but the kernel it booted from.</summary>
    [Fact]
    public async Task Firmware_variables_and_a_TPM_go_along_with_the_disk_while_the_guest_runs()
    {
        var vm = await hosts.LaunchAsync("mover", pool: null, also: AsksTpm, shape: create => create with { Tpm = true, Firmware = VmFirmware.Uefi });
        await SaysAsync(vm, TpmTests.WasDefined);
        string here = await OwnFolderAsync(vm);
        byte[] variables = await File.ReadAllBytesAsync(VariablesIn(here), hosts.Deadline);
        Assert.NotEqual(await File.ReadAllBytesAsync("/usr/share/OVMF/OVMF_VARS_4M.fd", hosts.Deadline), variables);

        var ended = await hosts.EndOfAsync(await hosts.MigrateWithStorageAsync("mover", hosts.Second));
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        var moved = await hosts.VmAsync("mover");
        string there = await OwnFolderAsync(moved);
        Assert.NotEqual(here, there);
        Assert.Equal(variables, await File.ReadAllBytesAsync(VariablesIn(there), hosts.Deadline));
        Assert.Equal(["tpm"], TpmFoldersOf(there));
        await hosts.UntilAsync(() => Task.FromResult(!Directory.Exists(here)));
        await SaysAsync(moved, TpmTests.WasDefined);
        Assert.DoesNotContain(TpmTests.Defined, await HistoryAsync(moved), StringComparison.Ordinal);
    }

    private static string VariablesIn(string folder) => Path.Combine(folder, "nvram", "OVMF_VARS.fd");

    private static IEnumerable<string?> TpmFoldersOf(string folder) => Directory.GetDirectories(folder, "tpm*").Select(Path.GetFileName);

    /// <summary>The VM's own folder, in the pool that its records name.</summary>
    private async Task<string> OwnFolderAsync(Vm vm)
    {
        string pool = vm.Spec.HomePool ?? (await hosts.First.Client.Disks.GetAsync(vm.Spec.Disks[0].Disk, hosts.Deadline)).Value.Spec.Pool;
        return Path.Combine((await hosts.First.Client.Pools.GetAsync(pool, hosts.Deadline)).Value.Spec.Path, "vms", vm.Id);
    }

    private async Task AsksAsync(Operation operation)
    {
        var ended = await hosts.EndOfAsync(operation);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
    }

    private Task SaysAsync(Vm vm, string what) => hosts.UntilAsync(async () => (await HistoryAsync(vm)).Contains(what, StringComparison.Ordinal));

    private async Task<string> HistoryAsync(Vm vm)
    {
        using var history = new MemoryStream();
        await hosts.HostOf(vm).Client.Vms.CopySerialHistoryAsync(vm.Id, history, hosts.Deadline);
        return Encoding.UTF8.GetString(history.ToArray());
    }
}
