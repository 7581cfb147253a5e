using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Testing.Engine;
using Lamina.Tests.Integration.Engine;

namespace Lamina.Tests.Integration.Migration;

/// <summary>Two engines on this machine, each with its own folder and cgroups, and a guest that goes from one to the other.</summary>
internal sealed class TwoHosts : IAsyncDisposable
{
    /// <summary>Counts aloud without end, and writes all over some memory meanwhile.</summary>
    public const string Ticker = "i=0; while :; do i=$((i+1)); echo tick=$i; dd if=/dev/urandom of=/tmp/noise bs=64k count=32 conv=notrunc 2>/dev/null; done";

    private static readonly ContinuePermit s_permit = new(4, 8, "the test");

    public EngineHost From { get; private set; } = new();
    public EngineHost To { get; private set; } = new();
    public CancellationToken Deadline => From.Deadline;
    public IVm Source { get; private set; } = null!;
    public IVm Target { get; private set; } = null!;
    public MigrationListen Listen { get; private set; } = null!;
    public MigrationEndpoint Endpoint { get; private set; } = null!;

    /// <summary>A guest that runs on the source.</summary>
    public async Task StartSourceAsync(VmDefinition definition, string awaited)
    {
        Source = await From.Engine.StartPausedAsync(definition, Deadline);
        await Source.ContinueAsync(permit: null, Deadline);
        await Source.Serial.WaitForAsync(awaited, Deadline);
    }

    /// <summary>A process for it on the target, which listens.</summary>
    /// <param name="listen">Changes what it is told.</param>
    /// <param name="change">Changes what the target is.</param>
    public async Task ListenAsync(Func<MigrationListen, MigrationListen>? listen = null, Func<VmDefinition, VmDefinition>? change = null)
    {
        var definition = Source.Definition with
        {
            Epoch = 4, Run = 8, Uid = Source.Definition.Uid + 100_000, Gid = Source.Definition.Gid + 100_000, MigratesIn = true,
            RuntimeFolder = Path.Combine(To.Folder, "vms", Source.Id.ToString()),
        };
        Target = await To.Engine.StartPausedAsync(change?.Invoke(definition) ?? definition, Deadline);
        var first = FreePort();
        var wanted = new MigrationListen { Address = "127.0.0.1", FirstPort = first, LastPort = first + 50 };
        Listen = listen?.Invoke(wanted) ?? wanted;
        Endpoint = await Target.ListenAsync(Listen, Deadline);
    }

    /// <summary>Ends the target's process, if it lives, and puts away what is left of it.</summary>
    public async Task DropTargetAsync()
    {
        await Target.KillAsync(Deadline);
        await Target.DisposeAsync();
        await To.Engine.ForgetAsync(Target.Definition.RuntimeFolder, Deadline);
    }

    /// <summary>The source is put away, and what was the target is the source of the next migration, the other way.</summary>
    public async Task TurnRoundAsync()
    {
        await Source.KillAsync(Deadline);
        await Source.DisposeAsync();
        await From.Engine.ForgetAsync(Source.Definition.RuntimeFolder, Deadline);
        (From, To) = (To, From);
        (Source, Target) = (Target, null!);
    }

    /// <summary>Both daemons go and come back.</summary>
    public async Task RestartDaemonsAsync()
    {
        await Source.DisposeAsync();
        await Target.DisposeAsync();
        Source = (await From.NewEngine().AttachAsync(Source.Definition.RuntimeFolder, Deadline)).Vm!;
        Target = (await To.NewEngine().AttachAsync(Target.Definition.RuntimeFolder, Deadline)).Vm!;
    }

    public MigrationSend Send() => new() { To = Endpoint, Limits = new MigrationLimits { DowntimeMs = 1000 } };

    /// <summary>What the hand-over does when both sides are done.</summary>
    public async Task TakeOverAsync()
    {
        Assert.Equal(MigrationPhase.Completed, await Target.FollowMigrationAsync(null, Deadline));
        Assert.True((await Target.QueryMigrationAsync(Deadline)).IsLoaded);
        await Target.StopListeningAsync(Deadline);
        await RunTargetAsync();
    }

    /// <summary>With the permit of this test.</summary>
    public async Task RunTargetAsync()
    {
        await Target.ContinueAsync(s_permit, Deadline);
        await Target.AnnounceAsync(Deadline);
    }

    /// <summary>How far the guest had counted by the last whole line.</summary>
    public static int LastTick(IVm vm) => Ticks(Encoding.UTF8.GetString(vm.Serial.History())) is [.., var last] ? last : 0;

    /// <summary>The guest counts on where it was when it left, without a gap.</summary>
    public async Task AssertGoesOnAsync(int before)
    {
        var client = Target.Serial.Attach(withHistory: true);
        var read = "";
        while (Ticks(read).Count < 2) read += await client.WaitForAsync("\n", Deadline);
        // A line may have been cut in two by the move.
        Assert.InRange(Ticks(read)[0], before + 1, before + 2);
        Assert.Equal(Ticks(read)[0] + 1, Ticks(read)[1]);
    }

    private static IReadOnlyList<int> Ticks(string read) =>
        [.. read.Split('\n')[..^1].Where(line => line.StartsWith("tick=", StringComparison.Ordinal)).Select(line => int.Parse(line["tick=".Length..].TrimEnd(), CultureInfo.InvariantCulture))];

    public static async Task AssertRunsAsync(IVm vm, CancellationToken deadline)
    {
        while (await vm.QueryStateAsync(deadline) != RunState.Running) await vm.Events.ReadAsync(deadline);
    }

    public async ValueTask DisposeAsync()
    {
        if (Source != null) await Source.DisposeAsync();
        if (Target != null) await Target.DisposeAsync();
        await To.DisposeAsync();
        await From.DisposeAsync();
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return Math.Min(((IPEndPoint)socket.LocalEndPoint!).Port, 65_000);
    }
}
