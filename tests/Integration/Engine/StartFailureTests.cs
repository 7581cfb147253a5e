using Lamina.Engine;

namespace Lamina.Tests.Integration.Engine;

/// <summary>What cannot start says why in QEMU's own words, and leaves nothing.</summary>
public class StartFailureTests
{
    [Fact]
    public async Task A_missing_QEMU_is_named_with_the_package_that_brings_it()
    {
        await using var host = new EngineHost(options => options with { Binary = "qemu-system-nowhere" });
        var failure = await Assert.ThrowsAsync<VmEngineException>(() => host.Engine.ProbeAsync(host.Deadline));
        Assert.Equal(VmEngineFailure.EngineMissing, failure.Failure);
        Assert.Equal("The program qemu-system-nowhere is not installed.", failure.Message);
        Assert.Contains("apt-get install qemu-system-x86", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_is_no_QEMU_is_not_believed()
    {
        await using var host = new EngineHost(options => options with { Binary = "/bin/true" });
        var failure = await Assert.ThrowsAsync<VmEngineException>(() => host.Engine.ProbeAsync(host.Deadline));
        Assert.Equal(VmEngineFailure.EngineMissing, failure.Failure);
    }

    [Fact]
    public async Task QEMUs_own_words_reach_the_caller_and_nothing_is_left()
    {
        await using var host = new EngineHost();
        var failure = await FailAsync(host, await host.BareAsync() with { CpuModel = "Pentium-X9" });
        Assert.Equal(VmEngineFailure.StartFailed, failure.Failure);
        Assert.Contains("unable to find CPU model 'Pentium-X9'", failure.Message, StringComparison.Ordinal);
        Assert.Contains("ended with exit code 1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("CPU model", failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_file_is_named_with_what_it_was_for()
    {
        await using var host = new EngineHost();
        var failure = await FailAsync(host, await host.BareAsync() with
        {
            Disks = [new DiskDefinition { Slot = 4, Path = Path.Combine(host.Folder, "none"), Format = DiskFormat.Qcow2 }],
        });
        Assert.Equal(VmEngineFailure.FileUnusable, failure.Failure);
        Assert.StartsWith($"The file {host.Folder}/none of disk4 cannot be opened", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_in_a_disks_place_leads_nowhere()
    {
        await using var host = new EngineHost();
        File.CreateSymbolicLink(Path.Combine(host.Folder, "link"), "/etc/shadow");
        var failure = await FailAsync(host, await host.BareAsync() with
        {
            Disks = [new DiskDefinition { Slot = 0, Path = Path.Combine(host.Folder, "link"), Format = DiskFormat.Raw }],
        });
        Assert.Equal(VmEngineFailure.FileUnusable, failure.Failure);
    }

    [Fact]
    public async Task What_a_qcow2_header_names_is_never_opened()
    {
        await using var host = new EngineHost();
        var top = await host.ImageAsync("top", "qcow2", await host.ImageAsync("base", "qcow2"));
        File.Delete(Path.Combine(host.Folder, "base"));
        // Told that there is no backing file, QEMU does not miss it.
        await using var vm = await host.Engine.StartPausedAsync(
            await host.BareAsync() with { Disks = [new DiskDefinition { Slot = 0, Path = top, Format = DiskFormat.Qcow2 }] }, host.Deadline);
        Assert.Empty(vm.StderrTail);
    }

    [Fact]
    public async Task A_disk_that_another_VM_uses_is_refused()
    {
        await using var host = new EngineHost();
        DiskDefinition[] disks = [new DiskDefinition { Slot = 0, Path = await host.ImageAsync("d", "qcow2"), Format = DiskFormat.Qcow2 }];
        var first = await host.BareAsync() with { Disks = disks };
        await using var running = await host.Engine.StartPausedAsync(first, host.Deadline);
        var second = await host.BareAsync() with { Disks = disks };
        var failure = await Assert.ThrowsAsync<VmEngineException>(() => host.Engine.StartPausedAsync(second, host.Deadline));
        Assert.Contains("Failed to get \"write\" lock", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Another process uses this disk", failure.Remedy, StringComparison.Ordinal);
        Assert.Equal(first.Id.ToString(), Assert.Single(host.Cgroups.List()).Name);
    }

    [Fact]
    public async Task Every_problem_of_a_definition_is_named_at_once()
    {
        await using var host = new EngineHost();
        var failure = await FailAsync(host, await host.BareAsync() with { CpuModel = "host", Cpus = 0, Uid = 0 });
        Assert.Equal(VmEngineFailure.BadDefinition, failure.Failure);
        foreach (var member in new[] { "cpuModel:", "cpus:", "uid:" }) Assert.Contains(member, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_that_is_cancelled_leaves_nothing()
    {
        await using var host = new EngineHost();
        var definition = await host.BareAsync();
        using var cancelled = new CancellationTokenSource();
        var starting = host.Engine.StartPausedAsync(definition, cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
        AssertNothingLeft(host, definition);
    }

    private static async Task<VmEngineException> FailAsync(EngineHost host, VmDefinition definition)
    {
        var failure = await Assert.ThrowsAsync<VmEngineException>(() => host.Engine.StartPausedAsync(definition, host.Deadline));
        AssertNothingLeft(host, definition);
        return failure;
    }

    private static void AssertNothingLeft(EngineHost host, VmDefinition definition)
    {
        Assert.Empty(host.Cgroups.List());
        Assert.False(Directory.Exists(definition.RuntimeFolder));
    }
}
