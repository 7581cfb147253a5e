using Lamina.Api;
using Lamina.Testing.Media;
using Lamina.Tests.Integration.Vms;

namespace Lamina.Tests.Integration.Isolation;

/// <summary>One daemon and two real guests of one network: one that attacks, and one that must not notice.</summary>
public sealed class TwoGuests : IAsyncLifetime
{
    /// <summary>The attacker's disk is small, so that it can be flooded.</summary>
    public const long HostileDiskBytes = 32 << 20;

    public GuestDaemon Daemon { get; } = new();

    public Vm Hostile { get; private set; } = null!;

    public Vm Victim { get; private set; } = null!;

    public int HostileProcessId { get; private set; }

    public CancellationToken Deadline => Daemon.Deadline;

    public async ValueTask InitializeAsync()
    {
        await Daemon.InitializeAsync();
        var victim = Daemon.LaunchAsync(GuestDaemon.SmallLinuxVm("victim"));
        var hostile = Daemon.LaunchAsync(GuestDaemon.SmallLinuxVm("hostile") with
        {
            Disks = [new VmDiskCreate { SizeBytes = HostileDiskBytes }],
            Restart = RestartPolicy.Never,
        });
        (Hostile, Victim) = (await hostile, await victim);
        foreach (var vm in new[] { Hostile, Victim })
        {
            await Daemon.SaysAsync(vm, SmallLinux.Address);
            await Daemon.SaysAsync(vm, SmallLinux.Agent);
        }

        HostileProcessId = Daemon.ProcessOf(Hostile);
    }

    public ValueTask DisposeAsync() => Daemon.DisposeAsync();

    /// <summary>Runs a shell script in a guest.</summary>
    public async Task<VmExecResult> InAsync(Vm vm, string script, int timeoutSeconds = 60) =>
        await Daemon.Client.Vms.ExecAsync(vm.Id, new VmExecRequest { Command = ["/bin/sh", "-c", script], TimeoutSeconds = timeoutSeconds }, Deadline);

    /// <summary>The guest runs and is served.</summary>
    public async Task AnswersAsync(Vm vm) => Assert.Equal("alive\n", (await InAsync(vm, "echo alive")).Output);
}

[CollectionDefinition(nameof(TwoGuests))]
public sealed class TwoGuestsCollection : ICollectionFixture<TwoGuests>;
