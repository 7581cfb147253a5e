using System.Security.Cryptography;
using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Testing.Engine;
using Lamina.Tests.Integration.Engine;

namespace Lamina.Tests.Integration.Migration;

/// <summary>A real guest takes its TPM along in QEMU's stream, into a folder that was empty; at the source it stays whole until that is given up.</summary>
public class TpmMigrationTests
{
    private const string Asker = $"while :; do ({TpmTests.Define}); sleep 1; done";

    [Fact]
    public async Task A_TPM_goes_with_its_guest_and_stays_whole_where_it_was()
    {
        await using var hosts = new TwoHosts();
        var key = RandomNumberGenerator.GetBytes(32);
        var (here, there) = (FolderOf(hosts.From), FolderOf(hosts.To));
        await hosts.StartSourceAsync(await hosts.From.SmallLinuxAsync(Asker) with { Tpm = new TpmDefinition { StateFolder = here, Key = key } }, TpmTests.WasDefined);
        byte[] state = ReadState(here);

        // The target has all of it, and the guest goes on at the source all the same.
        await ListenAsync();
        await SendAsync();
        await hosts.Source.ContinueAsync(new ContinuePermit(hosts.Source.Epoch, hosts.Source.Run, "the test"), hosts.Deadline);
        await hosts.DropTargetAsync();
        await hosts.Source.Serial.Attach(withHistory: false).WaitForAsync(TpmTests.WasDefined, hosts.Deadline);
        Assert.Equal(state, ReadState(here));

        await ListenAsync();
        await SendAsync();
        await hosts.TakeOverAsync();
        await hosts.Target.Serial.WaitForAsync(TpmTests.WasDefined, hosts.Deadline);
        Assert.DoesNotContain(TpmTests.Defined, System.Text.Encoding.UTF8.GetString(hosts.Target.Serial.History()), StringComparison.Ordinal);
        Assert.Equal(state, ReadState(here));

        // And it is the VM's there: the next start finds it in that folder.
        await hosts.Target.KillAsync(hosts.Deadline);
        await hosts.TurnRoundAsync();
        var again = hosts.Source.Definition with { Run = 9, Tpm = hosts.Source.Definition.Tpm! with { Key = key } };
        await hosts.Source.DisposeAsync();
        await hosts.From.Engine.ForgetAsync(again.RuntimeFolder, hosts.Deadline);
        await using var next = await hosts.From.Engine.StartPausedAsync(again, hosts.Deadline);
        await next.ContinueAsync(permit: null, hosts.Deadline);
        await next.Serial.WaitForAsync("TPM-ANSWER-", hosts.Deadline);
        await next.Serial.WaitForAsync(TpmTests.WasDefined, hosts.Deadline);
        Assert.DoesNotContain(TpmTests.Defined, System.Text.Encoding.UTF8.GetString(next.Serial.History()), StringComparison.Ordinal);

        Task ListenAsync()
        {
            Directory.Delete(there, recursive: true);
            Directory.CreateDirectory(there);
            return hosts.ListenAsync(change: definition => definition with { Tpm = new TpmDefinition { StateFolder = there, Key = key } });
        }

        async Task SendAsync()
        {
            await hosts.Source.BeginMigrationAsync(hosts.Send(), hosts.Deadline);
            Assert.Equal(MigrationPhase.Completed, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
            Assert.Equal(MigrationPhase.Completed, await hosts.Target.FollowMigrationAsync(null, hosts.Deadline));
            Assert.Equal(RunState.PostMigrate, (await hosts.Source.QueryMigrationAsync(hosts.Deadline)).Guest);
        }
    }

    private static string FolderOf(EngineHost host) => Directory.CreateDirectory(Path.Combine(host.Folder, "tpm")).FullName;

    private static byte[] ReadState(string folder) => File.ReadAllBytes(Path.Combine(folder, "tpm2-00.permall"));
}
