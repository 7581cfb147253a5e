using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Tests.Crash;

/// <summary>How one run went.</summary>
internal sealed record RunResult(CrashPoint Point)
{
    /// <summary>The daemon died where it should; else it was killed at the end of the scenario.</summary>
    public bool Reached { get; init; }

    /// <summary>Null: all held.</summary>
    public string? Failure { get; init; }

    /// <summary>What only a further sweep removed, which decision 18 allows.</summary>
    public IReadOnlyList<string> SweptLater { get; init; } = [];

    /// <summary>Everything that the daemons said.</summary>
    public string Output { get; init; } = "";
}

/// <summary>Runs scenarios in a world, with a daemon that dies in them, and looks whether everything comes right.</summary>
internal sealed class Runner(World world, Scenarios scenarios, string templates)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>What only the next sweep finds is given this time.</summary>
    private static readonly TimeSpan SweepPatience = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    /// <summary>Long enough that what a daemon does after an operation's end is in the log.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(400);

    private string Template => Path.Combine(templates, "data");

    /// <summary>A first start and what every scenario begins with, once.</summary>
    public async Task PrepareAsync()
    {
        await scenarios.PrepareAsync();
        await world.BeginAsync(null);
        using var session = new Session(world);
        using var daemon = await world.StartAsync(armed: false);
        session.Connect(daemon);
        foreach (var step in scenarios.Template) await step.Do(session);
        await session.WaitAsync("the host's capabilities", async () =>
            await session.Client.Hosts.ListAsync(session.Gone).AnyAsync(host => host.Status?.Accelerator is not null, session.Gone));
        await RestAsync(daemon);
        await daemon.StopAsync();
        await world.SaveAsync(Template);
    }

    /// <summary>Runs a scenario in which nobody dies, and gives the points on its way.</summary>
    public async Task<IReadOnlyList<CrashPoint>> EnumerateAsync(Scenario scenario)
    {
        using var session = new Session(world);
        using var daemon = await BeginAsync(scenario, session, null);
        foreach (var step in scenario.Steps) await step.Do(session);
        await RestAsync(daemon);
        await Task.Delay(Quiet);
        await daemon.StopAsync();
        return CrashPoint.Enumerate(scenario.Name, world.ReadPoints());
    }

    /// <summary>Runs a scenario in which the daemon dies at a point. Never throws: what went wrong is in the result.</summary>
    public async Task<RunResult> RunAsync(Scenario scenario, CrashPoint point)
    {
        var result = new RunResult(point);
        try
        {
            return await TryAsync(scenario, result);
        }
        catch (Exception failure)
        {
            return result with { Failure = failure is BrokenException ? failure.Message : failure.ToString(), Output = world.ReadOutput() };
        }
    }

    private async Task<RunResult> TryAsync(Scenario scenario, RunResult result)
    {
        using var session = new Session(world);
        var (at, reached) = await DieAsync(scenario, session, result.Point);
        result = result with { Reached = reached };
        var guests = await Guests.ReadAsync(world);

        // Nobody helps it: what was accepted ends, what ran goes on.
        using var daemon = await world.StartAsync(armed: false);
        session.Connect(daemon);
        bool guestsMayEnd = at is { EndsGuests: true };
        var later = await RestAsync(daemon, facts => [.. Invariants.Broken(facts), .. Lost(facts, session), .. guestsMayEnd ? [] : Harmed(facts, guests)], orSwept: true);
        await CheckStatesAsync(session, guestsMayEnd ? [] : guests);

        // The client goes on where it was.
        foreach (var step in scenario.Steps.SkipWhile(step => at is not null && step != at)) await step.Do(session);
        await RestAsync(session.Daemon, facts => [.. Invariants.Broken(facts), .. Lost(facts, session)]);

        await Scenarios.CleanUpAsync(session);
        later = [.. later, .. await RestAsync(session.Daemon, facts => [.. Invariants.Broken(facts), .. Remaining(facts)], orSwept: true)];
        SqliteCheckup.Run(world.Instance.StoreDirectory);
        await session.Daemon.StopAsync();
        return result with { SweptLater = later };

        async Task<IReadOnlyList<string>> RestAsync(CrashingDaemon running, Func<Facts, IReadOnlyList<string>> broken, bool orSwept = false)
        {
            var left = await WaitAsync(running, broken, orSwept ? SweepPatience : Patience);
            if (left.Count == 0) return [];
            if (!orSwept) throw new BrokenException(left);
            await running.StopAsync();
            var next = await world.StartAsync(armed: false);
            session.Connect(next);
            var still = await WaitAsync(next, broken, Patience);
            return still.Count == 0 ? left : throw new BrokenException(still);
        }
    }

    /// <summary>The scenario until the daemon's death. Gives the step in which that was (null: at its start or after the last), and whether the point was met.</summary>
    private async Task<(Step? At, bool Reached)> DieAsync(Scenario scenario, Session session, CrashPoint point)
    {
        Step? at = null;
        CrashingDaemon? daemon = null;
        try
        {
            daemon = await BeginAsync(scenario, session, point);
            foreach (var step in scenario.Steps)
            {
                at = step;
                await step.Do(session);
            }

            at = null;
            await WaitAsync(daemon, facts => [.. Invariants.Broken(facts)], Patience);
            await Task.Delay(Quiet, daemon.Ended);
        }
        catch (DaemonDiedException)
        {
            return (null, true);
        }
        catch (Exception) when (daemon is not null && EndsSoon(daemon))
        {
            // As it should: the line broke.
        }

        using (daemon)
        {
            bool reached = EndsSoon(daemon!);
            if (!reached) await daemon!.KillAsync();
            return (at, reached);
        }
    }

    private async Task<CrashingDaemon> BeginAsync(Scenario scenario, Session session, CrashPoint? point)
    {
        await world.BeginAsync(scenario.FromNothing ? null : Template, scenario.WithCard);
        if (scenario.FromNothing) return Connected(await world.StartAsync(point));
        if (scenario is { FromStart: true, Before: [] }) return Connected(await world.StartAsync(point));
        var daemon = Connected(await world.StartAsync(scenario.FromStart ? null : point, armed: false));
        foreach (var step in scenario.Before) await step.Do(session);
        await RestAsync(daemon);
        if (!scenario.FromStart)
        {
            world.Arm();
            return daemon;
        }

        await daemon.StopAsync();
        daemon.Dispose();
        session.HaveStopped();
        return Connected(await world.StartAsync(point));

        CrashingDaemon Connected(CrashingDaemon started)
        {
            session.Connect(started);
            return started;
        }
    }

    /// <summary>Without a crash everything must hold as well.</summary>
    private async Task RestAsync(CrashingDaemon daemon)
    {
        var broken = await WaitAsync(daemon, facts => [.. Invariants.Broken(facts)], Patience);
        if (broken.Count > 0) throw new BrokenException(broken);
    }

    /// <summary>Until nothing is broken. Gives what still is when patience ends.</summary>
    private async Task<IReadOnlyList<string>> WaitAsync(CrashingDaemon daemon, Func<Facts, IReadOnlyList<string>> broken, TimeSpan patience)
    {
        using var over = new CancellationTokenSource(patience);
        while (true)
        {
            var facts = await Facts.ReadAsync(world, daemon.ProcessId);
            foreach (var vm in facts.Store.All(Keys.Vms.Spec))
            {
                if (Invariants.TwoOf(facts, vm.Id) is { } two) throw new BrokenException([two]);
            }

            var left = broken(facts);
            if (left.Count == 0 || over.IsCancellationRequested) return left;
            await Task.Delay(Poll, daemon.Ended);
        }
    }

    /// <summary>Operations that were accepted and are not on record.</summary>
    private static IEnumerable<string> Lost(Facts facts, Session session) => session.Accepted
        .Where(accepted => facts.Store.Get(Keys.Operations.Request, accepted.Key) is null)
        .Select(accepted => $"the operation {accepted.Key} ({accepted.Value}) was accepted and is lost");

    /// <summary>A guest that has run runs on, as the same process.</summary>
    private static IEnumerable<string> Harmed(Facts facts, IReadOnlyList<GuestAtDeath> guests) => guests
        .Where(guest => guest.HasRun && !facts.Cgroups.GetValueOrDefault(guest.VmId, []).Contains(guest.ProcessId))
        .Select(guest => $"the guest of VM {guest.VmId} (pid {guest.ProcessId}, {guest.State}) was harmed");

    /// <summary>After everything was deleted nothing but the template is there.</summary>
    private static IEnumerable<string> Remaining(Facts facts)
    {
        var store = facts.Store;
        int content = store.Count(Keys.Vms.Spec) + store.Count(Keys.Disks.Spec) + store.Count(Keys.Macs) + store.Count(Keys.Addresses) + facts.Secrets.Count + store.Count(Keys.Uploads);
        if (content > 0) yield return $"{content} records of deleted things are left";
        foreach (var image in store.All(Keys.Images.Spec).Where(image => image.Record.Name != Scenarios.Image)) yield return $"image {image.Record.Name} is left";
        foreach (var iso in store.All(Keys.Isos.Spec).Where(iso => iso.Record.Name != Scenarios.Medium)) yield return $"medium {iso.Record.Name} is left";
        foreach (var snapshot in store.All(Keys.Snapshots.Spec)) yield return $"snapshot {snapshot.Record.Name} is left";
        foreach (var network in store.All(Keys.Networks.Spec).Where(network => network.Record.Name != "default")) yield return $"network {network.Record.Name} is left";
        foreach (string cgroup in facts.Cgroups.Keys) yield return $"the cgroup {cgroup} is left";
    }

    /// <summary>A guest that has run is not held for stopped; a power order under way may have paused it or let it go on since.</summary>
    private static async Task CheckStatesAsync(Session session, IReadOnlyList<GuestAtDeath> guests)
    {
        foreach (var guest in guests.Where(guest => guest.HasRun))
        {
            var state = (await session.Client.Vms.GetAsync(guest.VmId, session.Gone)).Value.Status?.State;
            if (state is not (VmState.Running or VmState.Paused)) throw new BrokenException([$"the guest of VM {guest.VmId} was {guest.State}, and its VM is {state}"]);
        }
    }

    /// <summary>The line breaks a moment before the process is gone.</summary>
    private static bool EndsSoon(CrashingDaemon daemon) => daemon.Ended.WaitHandle.WaitOne(Poll);

}

/// <summary>Something that must hold does not.</summary>
internal sealed class BrokenException(IReadOnlyList<string> broken) : Exception(string.Join("; ", broken));
