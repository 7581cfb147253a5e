using Lamina.Api;
using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

/// <summary>
/// Bridges to physical cards on this machine. Whoever moves the host's own addresses may cut it off, so a move is undone by itself unless somebody says in
/// time that the host is still within reach; in a cluster, also unless it still reaches the others. Not safe for two callers at once.
/// </summary>
/// <param name="netlink">Of the host.</param>
/// <param name="files">What is being done.</param>
/// <param name="reach">Whether the host reaches its cluster; null: nothing is moved any more, only given back.</param>
/// <param name="time">The clock.</param>
/// <param name="bootId">The host's present boot.</param>
internal sealed class HostUplinks(Netlink netlink, UplinkFiles files, UplinkReach? reach, TimeProvider time, string bootId)
{
    private static readonly TimeSpan ReachPause = TimeSpan.FromSeconds(1);

    /// <summary>Until the next look at a move that waits for its word, or for the host's proof; null: none does.</summary>
    public TimeSpan? UntilLook { get; private set; }

    private long Now => time.GetElapsedTime(0).Ticks * TimeSpan.NanosecondsPerTick;

    /// <summary>Takes back what belongs to networks that are no more. Called before <see cref="ApplyAsync"/>.</summary>
    /// <returns>What failed, by the network's id.</returns>
    public IReadOnlyDictionary<string, Exception> RemoveOthers(IReadOnlySet<string> networks)
    {
        UntilLook = null;
        var failures = new Dictionary<string, Exception>(StringComparer.Ordinal);
        foreach (var network in files.Networks().Where(network => !networks.Contains(network)))
        {
            try
            {
                while (UplinkPlan.Next(null, files.Read(network), bootId, Now) is var step and not UplinkStep.Nothing) Do(step, files.Read(network)!);
            }
            catch (Exception failure)
            {
                failures[network] = failure;
            }
        }

        return failures;
    }

    /// <summary>Brings one bridge to where its record says.</summary>
    /// <exception cref="ProblemException">The card cannot be used, or the move failed and was taken back.</exception>
    public async Task<NetworkUplink?> ApplyAsync(PlannedNetwork network, CancellationToken cancellation)
    {
        var wanted = network.Uplink!;
        var intent = await ProveAsync(files.Read(network.Id), cancellation);
        var step = UplinkPlan.Next(wanted, intent, bootId, Now);
        if (step == UplinkStep.Begin) await MoveAsync(network, intent, cancellation);
        else if (step == UplinkStep.Continue) Keep(network, intent!);
        else if (intent is not null) Do(step, intent);
        intent = files.Read(network.Id);
        var left = TimeSpan.FromTicks(Math.Max(0, ((intent?.DeadlineNanoseconds ?? 0) - Now) / TimeSpan.NanosecondsPerTick));
        var shown = UplinkPlan.Show(wanted, intent, time.GetUtcNow() + left);
        if (shown?.State == UplinkState.AwaitingConfirmation) LookWithin(intent!.IsProven || left < ReachPause ? left : ReachPause);
        if (intent?.Failure is { } failure) throw new UplinkRefusedException(failure, shown);
        if (wanted.Existing) RequireForeign(network);
        return shown;
    }

    private void LookWithin(TimeSpan span)
    {
        if (UntilLook is null || span < UntilLook) UntilLook = span;
    }

    /// <summary>What was confirmed before a reboot has been proven then: the cluster may well be on its way up itself.</summary>
    private async Task MoveAsync(PlannedNetwork network, UplinkIntent? before, CancellationToken cancellation)
    {
        var isAgain = before is { Phase: not UplinkPhase.RolledBack } && before.Attempt == network.Uplink!.Attempt;
        var members = isAgain ? [] : reach!.Members();
        Move(network, Begin(network, await reach!.ReachedAsync(members, cancellation), awaitsStore: members.Count > 0));
        await ProveAsync(files.Read(network.Id), cancellation);
    }

    /// <summary>Asks those that the host has not reached since the move. One that has died or left meanwhile is not waited for.</summary>
    private async Task<UplinkIntent?> ProveAsync(UplinkIntent? intent, CancellationToken cancellation)
    {
        if (intent is not { Phase: UplinkPhase.Applied, IsProven: false } || intent.BootId != bootId) return intent;
        var isStoreAway = intent.AwaitsStore && !await reach!.AnswersAsync(cancellation);
        var there = reach!.Members().Select(member => member.Host).ToHashSet(StringComparer.Ordinal);
        UplinkMember[] asked = [.. intent.Unreached.Where(member => there.Contains(member.Host))];
        var now = intent with { AwaitsStore = isStoreAway, Unreached = [.. asked.Except(await reach.ReachedAsync(asked, cancellation))] };
        if (now.AwaitsStore != intent.AwaitsStore || now.Unreached.Count != intent.Unreached.Count) files.Write(now);
        return now;
    }

    private UplinkIntent Begin(PlannedNetwork network, IReadOnlyList<UplinkMember> members, bool awaitsStore)
    {
        var facts = UplinkFacts.Read(netlink, network.Uplink!.Device);
        if (facts.Master != network.Bridge && UplinkRules.Refuse(facts) is { } refusal) throw refusal;
        var intent = new UplinkIntent
        {
            Network = network.Id,
            Device = facts.Device,
            DeviceMac = facts.Link!.Mac!.ToString(),
            MtuBytes = facts.Link.MtuBytes,
            Bridge = network.Bridge,
            BridgeOwner = network.BridgeOwner,
            Phase = UplinkPhase.Applying,
            Attempt = network.Uplink.Attempt,
            BootId = bootId,
            DeadlineNanoseconds = Now + (network.Uplink.ConfirmSeconds * 1_000_000_000L),
            Addressing = facts.Addressing,
            Unreached = members,
            AwaitsStore = awaitsStore,
            IsAutoconfigured = facts.Addressing.Addresses.Any(address => address is { IsDynamic: true, IsIPv6: true }),
        };
        files.Write(intent);
        return intent;
    }

    /// <summary>What fails here has changed the host for some milliseconds only.</summary>
    private void Move(PlannedNetwork network, UplinkIntent intent)
    {
        try
        {
            foreach (var step in UplinkSteps.Apply(netlink, intent, TapsOf(network))) step();
        }
        catch (Exception failure)
        {
            RollBack(intent with { Failure = NetworkStatuses.FailureOf(network.Name, failure) });
            return;
        }

        files.Write(intent with { Phase = UplinkPhase.Applied });
    }

    /// <summary>
    /// A confirmed move is kept up: after a daemon's death in its midst, when somebody took the card out, when the host's own configuration has given
    /// the card addresses again.
    /// </summary>
    private void Keep(PlannedNetwork network, UplinkIntent intent)
    {
        var facts = UplinkFacts.Read(netlink, intent.Device);
        if (facts.Link is null || facts.Addressing.Addresses.Any(address => address is { IsDynamic: true, IsIPv6: false })) throw UplinkRules.Refuse(facts with { Master = null })!;
        var isWhole = intent.Phase == UplinkPhase.Applied && facts.Master == intent.Bridge;
        if (isWhole && facts.Addressing is { Addresses.Count: 0, Routes.Count: 0 }) return;
        var late = facts.Addressing with { Addresses = [.. facts.Addressing.Addresses.Where(address => !address.IsDynamic)] };
        if (isWhole && late is { Addresses.Count: 0, Routes.Count: 0 }) return;
        var whole = intent with { Phase = UplinkPhase.Applying, Addressing = isWhole ? late : Join(intent.Addressing, facts.Addressing) };
        files.Write(whole);
        foreach (var step in UplinkSteps.Apply(netlink, whole, TapsOf(network))) step();
        files.Write(whole with { Phase = UplinkPhase.Applied });
    }

    private void Do(UplinkStep step, UplinkIntent intent)
    {
        switch (step)
        {
            case UplinkStep.RollBack:
                RollBack(intent);
                break;
            case UplinkStep.Remove:
                Remove(intent);
                break;
            case UplinkStep.Forget:
                files.Delete(intent.Network);
                break;
        }
    }

    /// <summary>The card gets what the bridge bears by now. Never from under a guest.</summary>
    private void Remove(UplinkIntent intent)
    {
        var links = netlink.ListLinks();
        if (links.FirstOrDefault(link => link.Name == intent.Bridge) is not { } bridge)
        {
            RollBack(intent);
            return;
        }

        if (links.FirstOrDefault(port => port.MasterIndex == bridge.Index && port.Name != intent.Device) is { } used)
            throw ProblemException.Conflict("network.inUse", $"A guest is plugged into {intent.Bridge} by {used.Name} ({used.Alias}).", "Shut that guest down; the card is given back then.");
        RollBack(intent with { Addressing = netlink.ReadAddressing(bridge.Index) });
    }

    /// <summary>After a reboot nothing of it is left on the host, and what the card bears by now is right.</summary>
    private void RollBack(UplinkIntent intent)
    {
        // Whom a move did not reach that never was whole, or was before a reboot, says nothing.
        if (intent.Phase == UplinkPhase.Applying || intent.BootId != bootId) intent = intent with { Unreached = [], AwaitsStore = false };
        if (intent.BootId == bootId)
        {
            files.Write(intent with { Phase = UplinkPhase.Undoing });
            foreach (var step in UplinkSteps.Undo(netlink, intent)) step();
        }

        files.Write(intent with { Phase = UplinkPhase.RolledBack });
    }

    private void RequireForeign(PlannedNetwork network)
    {
        if (netlink.FindLink(network.Bridge) is { Kind: "bridge" }) return;
        throw ProblemException.Conflict(
            "network.deviceMissing", $"Network {network.Name} stands on the bridge {network.Bridge}, which this host does not have any more.", $"Make it again: ip link add {network.Bridge} type bridge");
    }

    private IReadOnlyCollection<string> TapsOf(PlannedNetwork network)
    {
        var taps = network.Nics.Select(nic => nic.Tap).ToHashSet(StringComparer.Ordinal);
        return [.. netlink.ListLinks().Where(link => taps.Contains(link.Name) && link.MasterIndex is null).Select(link => link.Name)];
    }

    private static LinkAddressing Join(LinkAddressing known, LinkAddressing found) => new()
    {
        Addresses = [.. known.Addresses.Concat(found.Addresses).DistinctBy(address => address.Text)],
        Routes = [.. known.Routes.Concat(found.Routes).DistinctBy(route => Convert.ToHexString(route.Message))],
    };
}

/// <summary>A move that was taken back because of a failure.</summary>
internal sealed class UplinkRefusedException(Failure failure, NetworkUplink? uplink) : Exception(failure.Message)
{
    public Failure Failure { get; } = failure;

    public NetworkUplink? Uplink { get; } = uplink;
}
