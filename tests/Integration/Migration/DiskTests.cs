using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Linux.Processes;

namespace Lamina.Tests.Integration.Migration;

/// <summary>A guest takes its disk along, encrypted, while it writes to it; and nothing is lost when that does not come to an end.</summary>
public class DiskTests
{
    private const string Writer =
        "i=0; while :; do i=$((i+1)); echo tick=$i; dd if=/dev/urandom of=/dev/vda bs=64k count=4 seek=$((i*7%240)) conv=notrunc,fsync 2>/dev/null; done";

    [Fact]
    public async Task A_disk_goes_along_while_it_is_written_and_arrives_whole()
    {
        await using var hosts = new TwoHosts();
        var here = await hosts.From.ImageAsync("here.qcow2", "qcow2");
        var definition = await hosts.From.SmallLinuxAsync(Writer) with { Disks = [new DiskDefinition { Slot = 0, Path = here, Format = DiskFormat.Qcow2 }] };
        await hosts.StartSourceAsync(definition, "tick=3");
        var (target, source) = MigrationCertificates.Make(hosts.Source.Id, TimeProvider.System.GetUtcNow());
        await ListenAsync(hosts, target, "first.qcow2");
        MigrationMirrors Mirrors() => new() { To = hosts.Endpoint, Credentials = source, Disks = [new MirroredDisk(0)] };

        // A link that falls silent, and then a target that dies: the guest keeps its disk, and writes on.
        await using (var relay = new Relay(hosts.Endpoint.ExportPort!.Value))
        {
            var slow = Mirrors() with { To = hosts.Endpoint with { ExportPort = relay.Port }, BytesPerSecond = 1 << 20 };
            await hosts.Source.BeginMirrorsAsync(slow, hosts.Deadline);
            relay.Freeze();
            await AssertWritesAsync(hosts);
        }

        await hosts.Source.CloseMirrorsAsync(hosts.Deadline);
        Assert.Empty((await hosts.Source.QueryMigrationAsync(hosts.Deadline)).Mirrors);
        await hosts.Source.BeginMirrorsAsync(Mirrors(), hosts.Deadline);
        await hosts.Source.FollowMirrorsAsync(null, hosts.Deadline);
        Assert.Equal([0], (await hosts.Target.QueryMigrationAsync(hosts.Deadline)).Exports);
        await hosts.DropTargetAsync();
        // The copy learns of it with the next write that it passes on.
        while ((await hosts.Source.QueryMigrationAsync(hosts.Deadline)).Mirrors is not [{ Stage: MirrorStage.Failed }]) await AssertWritesAsync(hosts);
        await AssertWritesAsync(hosts);
        await Assert.ThrowsAsync<QmpErrorException>(() => hosts.Source.FollowMirrorsAsync(null, hosts.Deadline));
        await Assert.ThrowsAsync<QmpErrorException>(() => hosts.Source.EndMirrorsAsync([0], hosts.Deadline));
        await hosts.Source.CloseMirrorsAsync(hosts.Deadline);
        await Assert.ThrowsAsync<QmpErrorException>(() => hosts.Source.EndMirrorsAsync([0], hosts.Deadline));

        // The daemons restart under way.
        await ListenAsync(hosts, target, "there.qcow2");
        await hosts.Source.BeginMirrorsAsync(Mirrors(), hosts.Deadline);
        await hosts.RestartDaemonsAsync();
        await hosts.Source.BeginMirrorsAsync(Mirrors(), hosts.Deadline);
        await hosts.Source.FollowMirrorsAsync(null, hosts.Deadline);
        await hosts.Source.BeginMigrationAsync(hosts.Send() with { Credentials = source, PauseBeforeSwitchover = true }, hosts.Deadline);
        Assert.Equal(MigrationPhase.PreSwitchover, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        await hosts.Source.EndMirrorsAsync([0], hosts.Deadline);
        await hosts.Source.EndMirrorsAsync([0], hosts.Deadline);
        Assert.Equal(MirrorStage.Ended, Assert.Single((await hosts.Source.QueryMigrationAsync(hosts.Deadline)).Mirrors).Stage);
        await hosts.Source.ContinueSwitchoverAsync(hosts.Deadline);
        Assert.Equal(MigrationPhase.Completed, await hosts.Source.FollowMigrationAsync(null, hosts.Deadline));
        await hosts.Source.CloseMirrorsAsync(hosts.Deadline);
        Assert.Equal(MigrationPhase.Completed, await hosts.Target.FollowMigrationAsync(null, hosts.Deadline));
        var before = TwoHosts.LastTick(hosts.Source);
        await hosts.Target.StopListeningAsync(hosts.Deadline);
        var same = await Command.RunAsync(new CommandSpec
        {
            Program = "qemu-img", Arguments = ["compare", "-U", here, hosts.Target.Definition.Disks[0].Path], Timeout = TimeSpan.FromSeconds(20),
        }, hosts.Deadline);
        Assert.True(same.Exit.Succeeded, same.OutputText);
        await hosts.TakeOverAsync();
        await hosts.AssertGoesOnAsync(before);
    }

    private static async Task ListenAsync(TwoHosts hosts, MigrationCredentials credentials, string name)
    {
        var there = await hosts.To.ImageAsync(name, "qcow2");
        await hosts.ListenAsync(listen => listen with { Credentials = credentials, ExportSlots = [0] },
            definition => definition with { Disks = [definition.Disks[0] with { Path = there }] });
    }

    private static async Task AssertWritesAsync(TwoHosts hosts)
    {
        await TwoHosts.AssertRunsAsync(hosts.Source, hosts.Deadline);
        var before = TwoHosts.LastTick(hosts.Source);
        var client = hosts.Source.Serial.Attach(withHistory: false);
        while (TwoHosts.LastTick(hosts.Source) < before + 2) await Lamina.Testing.Engine.Waiting.WaitForAsync(client, "\n", hosts.Deadline);
    }
}
