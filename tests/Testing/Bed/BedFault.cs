namespace Lamina.Testing.Bed;

/// <summary>A migration under way, to which something happens.</summary>
internal sealed record BedScene
{
    public required ClusterBed Bed { get; init; }

    public required BedGuests Guests { get; init; }

    public required BedRelay Relay { get; init; }

    /// <summary>Id of the VM.</summary>
    public required string Vm { get; init; }

    public required string Operation { get; init; }

    public required BedHost From { get; init; }

    public required BedHost To { get; init; }

    /// <summary>Any host: the one whose etcd dies, for example.</summary>
    public required BedHost Any { get; init; }
}

/// <summary>Something that happens to hosts while a guest is on its way.</summary>
/// <param name="Name">For the report.</param>
/// <param name="StrikeAsync">Lets it happen.</param>
/// <param name="MendAsync">Takes it away, as an operator or the machine itself would.</param>
internal sealed record BedFault(string Name, Func<BedScene, Task> StrikeAsync, Func<BedScene, Task> MendAsync)
{
    private static readonly TimeSpan Reconnecting = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Losing = TimeSpan.FromMilliseconds(700);

    /// <summary>The guest itself is ended: it may begin anew from its disk.</summary>
    public bool EndsGuest { get; init; }

    public static IReadOnlyList<BedFault> All { get; } =
    [
        new("none", NothingAsync, NothingAsync),
        new("cancel", scene => scene.Guests.AskAsync(client => client.Operations.CancelAsync(scene.Operation, CancellationToken.None)), NothingAsync),
        new("source-daemon", scene => scene.From.KillAsync(), scene => scene.From.StartAsync()),
        new("target-daemon", scene => scene.To.KillAsync(), scene => scene.To.StartAsync()),
        new("both-daemons", scene => Task.WhenAll(scene.From.KillAsync(), scene.To.KillAsync()), scene => Task.WhenAll(scene.From.StartAsync(), scene.To.StartAsync())),
        new("source-qemu", scene => KillQemuAsync(scene, scene.From), NothingAsync) { EndsGuest = true },
        new("target-qemu", scene => KillQemuAsync(scene, scene.To), NothingAsync) { EndsGuest = true },
        new("leader", KillLeaderAsync, StartTheDeadAsync),
        new("etcd", scene => scene.Any.EtcdProcessId is null ? Task.CompletedTask : scene.Any.KillEtcdAsync(), NothingAsync),
        Halts("source-pause", scene => scene.From),
        Halts("target-pause", scene => scene.To),
        Line("source-cut", scene => scene.From, new BedLine { IsCut = true }),
        Line("target-cut", scene => scene.To, new BedLine { IsCut = true }),
        Line("loss", scene => scene.To, new BedLine { LossPercent = 15 }),
        new("delay", DelayAsync, LetGoAsync),
        new("lost-answers", LoseAnswersAsync, LetGoAsync),
    ];

    private static Task NothingAsync(BedScene scene) => Task.CompletedTask;

    private static BedFault Halts(string name, Func<BedScene, BedHost> who) => new(name, scene =>
    {
        who(scene).Pause();
        return Task.CompletedTask;
    }, scene =>
    {
        who(scene).Resume();
        return Task.CompletedTask;
    });

    private static BedFault Line(string name, Func<BedScene, BedHost> whose, BedLine line) =>
        new(name, scene => scene.Bed.Links.SetAsync(whose(scene).Number, line), scene => scene.Bed.Links.SetAsync(whose(scene).Number, BedLine.Whole));

    /// <summary>Before the target has a process there is none to kill, which is a fault less.</summary>
    private static Task KillQemuAsync(BedScene scene, BedHost host)
    {
        foreach (var (_, process) in scene.Guests.ProcessesOf(scene.Vm).Where(found => found.Host == host)) BedGuests.Kill(process);
        return Task.CompletedTask;
    }

    private static async Task KillLeaderAsync(BedScene scene)
    {
        var members = (await scene.Guests.AskAsync(client => client.Cluster.GetAsync(CancellationToken.None))).Members;
        if (members.FirstOrDefault(member => member.Leader) is { } leader) await scene.Bed.Hosts.Single(host => host.Name == leader.Name).KillAsync();
    }

    private static Task StartTheDeadAsync(BedScene scene) => Task.WhenAll(scene.Bed.Hosts.Where(host => !host.Runs).Select(host => host.StartAsync()));

    /// <summary>Connections that begin from now on, both ways: those of the migration, and whatever is made anew.</summary>
    private static async Task DelayAsync(BedScene scene)
    {
        scene.Relay.Delay = TimeSpan.FromMilliseconds(80);
        foreach (var host in scene.Bed.Hosts) await BedRelay.LeadAsync(host, "1-65535", breaks: true);
    }

    /// <summary>What the store has done for these two is done, and they do not hear of it.</summary>
    private static async Task LoseAnswersAsync(BedScene scene)
    {
        string ports = $"{{ {string.Join(", ", scene.Bed.Hosts.Select(host => host.Instance.EtcdClientPort).Distinct())} }}";
        BedHost[] both = [scene.From, scene.To];
        foreach (var host in both) await BedRelay.LeadAsync(host, ports, breaks: true);
        await Task.Delay(Reconnecting, CancellationToken.None);
        foreach (var host in both) scene.Relay.LosesAnswersTo[host.Number] = true;
        await Task.Delay(Losing, CancellationToken.None);
        foreach (var host in both)
        {
            scene.Relay.Break(host.Number);
            scene.Relay.LosesAnswersTo[host.Number] = false;
        }
    }

    private static async Task LetGoAsync(BedScene scene)
    {
        scene.Relay.Delay = TimeSpan.Zero;
        foreach (var host in scene.Bed.Hosts)
        {
            await BedRelay.LetGoAsync(host);
            scene.Relay.Break(host.Number);
        }
    }
}
