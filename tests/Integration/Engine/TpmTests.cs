using System.Security.Cryptography;
using Lamina.Engine;
using Lamina.Linux.Processes;
using Lamina.Testing.Engine;

namespace Lamina.Tests.Integration.Engine;

/// <summary>A guest's TPM is its own, keeps what it is given over restarts, and ends with its VM.</summary>
public class TpmTests
{
    /// <summary>
    /// TPM2_NV_DefineSpace of index 0x01500000 (TPM 2.0 library, part 3), sent to the kernel's device as it is: answered by 0 the first time, and by
    /// TPM_RC_NV_DEFINED (0x14c) for ever after.
    /// </summary>
    internal const string Define =
        @"exec 3<>/dev/tpm0; printf '\200\002\000\000\000\055\000\000\001\052\100\000\000\001\000\000\000\011\100\000\000\011\000\000\000\000\000"
        + @"\000\000\000\016\001\120\000\000\000\013\002\002\000\002\000\000\000\010' >&3; echo TPM-ANSWER-$(head -c 10 <&3 | xxd -p | tail -c 9)";

    internal const string Defined = "TPM-ANSWER-00000000";
    internal const string WasDefined = "TPM-ANSWER-0000014c";

    [Fact]
    public async Task It_keeps_its_state_over_restarts_under_other_users_and_opens_with_its_key_only()
    {
        await using var host = new EngineHost();
        var folder = Directory.CreateDirectory(Path.Combine(host.Folder, "tpm")).FullName;
        var definition = await host.SmallLinuxAsync(Define) with { Tpm = new TpmDefinition { StateFolder = folder, Key = RandomNumberGenerator.GetBytes(32) } };

        await using (var first = await RunAsync(host, definition))
        {
            await first.Serial.WaitForAsync(Defined, host.Deadline);
            Assert.True(first.Definition.Tpm!.Key.IsEmpty, "the key stays in memory");
            Assert.DoesNotContain("key", await File.ReadAllTextAsync(Path.Combine(definition.RuntimeFolder, RunRecord.FileName), host.Deadline), StringComparison.OrdinalIgnoreCase);
            await first.KillAsync(host.Deadline);
        }

        Assert.True(host.Cgroups.IsEmpty(definition.Id.ToString()));
        await host.Engine.ForgetAsync(definition.RuntimeFolder, host.Deadline);
        var other = definition with { Run = 8, Uid = definition.Uid + 5000, Gid = definition.Gid + 5000 };
        await using (var second = await RunAsync(host, other))
        {
            await second.Serial.WaitForAsync(WasDefined, host.Deadline);
            await second.QuitAsync(host.Deadline);
        }

        await host.Engine.ForgetAsync(definition.RuntimeFolder, host.Deadline);
        var wrong = other with { Run = 9, Tpm = definition.Tpm! with { Key = RandomNumberGenerator.GetBytes(32) } };
        var refused = await Assert.ThrowsAsync<VmEngineException>(() => host.Engine.StartPausedAsync(wrong, host.Deadline));
        Assert.Equal(VmEngineFailure.StartFailed, refused.Failure);
        Assert.Contains("TPM's state", refused.Remedy, StringComparison.Ordinal);
        Assert.True(host.Cgroups.IsEmpty(definition.Id.ToString()));
    }

    [Fact]
    public async Task A_restarted_daemon_takes_up_QEMU_and_not_the_TPM_and_the_TPM_ends_with_QEMU()
    {
        await using var host = new EngineHost();
        var folder = Directory.CreateDirectory(Path.Combine(host.Folder, "tpm")).FullName;
        var definition = await host.BareAsync() with { Tpm = new TpmDefinition { StateFolder = folder, Key = RandomNumberGenerator.GetBytes(32) } };
        await (await RunAsync(host, definition)).DisposeAsync();
        var members = host.Cgroups.ReadMembers(definition.Id.ToString()).Select(ProcessIdentity.Read).OfType<ProcessIdentity>().ToList();
        Assert.Equal(["qemu-system-x86_64", "swtpm"], members.Select(member => Path.GetFileName(member.Executable)).Order());

        var found = await host.NewEngine().AttachAsync(definition.RuntimeFolder, host.Deadline);
        await using var vm = Assert.IsAssignableFrom<IVm>(found.Vm);
        Assert.Equal(Lamina.Engine.Qmp.RunState.Running, await vm.QueryStateAsync(host.Deadline));

        using (var qemu = ChildProcess.Adopt(members.Single(member => Path.GetFileName(member.Executable) != "swtpm"))!) qemu.Send(Signal.Kill);
        await vm.Events.NextAsync<VmExited>(host.Deadline);
        Assert.True(host.Cgroups.IsEmpty(definition.Id.ToString()));
    }

    [Fact]
    public async Task Without_swtpm_the_start_says_what_to_install()
    {
        await using var host = new EngineHost(options => options with { TpmBinary = "swtpm-that-is-not-there" });
        Assert.Null((await host.Engine.ProbeAsync(host.Deadline)).TpmProgram);
        var folder = Directory.CreateDirectory(Path.Combine(host.Folder, "tpm")).FullName;
        var definition = await host.BareAsync() with { Tpm = new TpmDefinition { StateFolder = folder, Key = new byte[32] } };
        var refused = await Assert.ThrowsAsync<VmEngineException>(() => host.Engine.StartPausedAsync(definition, host.Deadline));
        Assert.Contains("apt-get install swtpm", refused.Remedy, StringComparison.Ordinal);
        Assert.False(Directory.Exists(definition.RuntimeFolder));
    }

    [Fact]
    public async Task A_link_that_a_former_owner_left_in_the_state_is_not_given_away()
    {
        await using var host = new EngineHost();
        var folder = Directory.CreateDirectory(Path.Combine(host.Folder, "tpm")).FullName;
        var secret = Path.Combine(host.Folder, "secret");
        await File.WriteAllTextAsync(secret, "root's", host.Deadline);
        var definition = await host.BareAsync() with { Tpm = new TpmDefinition { StateFolder = folder, Key = new byte[32] } };

        File.CreateSymbolicLink(Path.Combine(folder, "tpm2-00.permall"), secret);
        await RefusedAsync(host, definition);
        File.Delete(Path.Combine(folder, "tpm2-00.permall"));
        (await Command.RunAsync(new CommandSpec { Program = "ln", Arguments = [secret, Path.Combine(folder, "tpm2-00.permall")], Timeout = TimeSpan.FromSeconds(10) }, host.Deadline)).EnsureSuccess();
        await RefusedAsync(host, definition);
    }

    private static async Task RefusedAsync(EngineHost host, VmDefinition definition)
    {
        var refused = await Assert.ThrowsAsync<VmEngineException>(() => host.Engine.StartPausedAsync(definition, host.Deadline));
        Assert.Equal(VmEngineFailure.FileUnusable, refused.Failure);
        using var folder = Lamina.Linux.Files.RootedDirectory.Open(host.Folder);
        Assert.Equal(0u, folder.Find("secret")!.UserId);
    }

    private static async Task<IVm> RunAsync(EngineHost host, VmDefinition definition)
    {
        var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        await vm.ContinueAsync(permit: null, host.Deadline);
        return vm;
    }
}
