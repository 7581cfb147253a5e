using Lamina.Api;

namespace Lamina.Server.Networks;

/// <summary>What is to be done next about one physical card.</summary>
internal enum UplinkStep
{
    Nothing,

    /// <summary>Move the card's addresses to the bridge, from the beginning.</summary>
    Begin,

    /// <summary>Go on with a confirmed move, or repair it: each of its steps is safe to repeat.</summary>
    Continue,

    /// <summary>Everything is in place; the word that the host is within reach, or its own proof that it reaches its cluster, has not come yet.</summary>
    Wait,

    /// <summary>Put the card back to how it was before the move.</summary>
    RollBack,

    /// <summary>Give the card what the bridge bears by now, and remove the bridge.</summary>
    Remove,

    /// <summary>The host's reboot has undone it: only the file is left.</summary>
    Forget,
}

/// <summary>Decides about a bridge to a physical card (pure).</summary>
internal static class UplinkPlan
{
    /// <param name="wanted">From the network's record; null: the network is gone.</param>
    /// <param name="intent">As found on disk; null: nothing was begun.</param>
    /// <param name="bootId">The host's present boot.</param>
    /// <param name="now">CLOCK_BOOTTIME in nanoseconds.</param>
    public static UplinkStep Next(NetworkBridge? wanted, UplinkIntent? intent, string bootId, long now)
    {
        if (wanted is null) return intent is null ? UplinkStep.Nothing : Removal(intent, bootId);
        if (wanted.Existing) return UplinkStep.Nothing;
        if (intent is null) return UplinkStep.Begin;
        if (intent.Phase == UplinkPhase.RolledBack) return intent.Attempt < wanted.Attempt ? UplinkStep.Begin : UplinkStep.Nothing;
        var isConfirmed = IsConfirmed(wanted, intent);
        if (intent.BootId != bootId) return isConfirmed ? UplinkStep.Begin : UplinkStep.RollBack;
        if (intent.Phase == UplinkPhase.Undoing) return UplinkStep.RollBack;
        if (isConfirmed) return UplinkStep.Continue;
        return intent.Phase == UplinkPhase.Applied && now < intent.DeadlineNanoseconds ? UplinkStep.Wait : UplinkStep.RollBack;
    }

    /// <summary>What people see of it; null: nothing was begun.</summary>
    /// <param name="wanted">From the network's record.</param>
    /// <param name="intent">As it is on disk by now.</param>
    /// <param name="deadline">Of the intent, in wall time.</param>
    public static NetworkUplink? Show(NetworkBridge wanted, UplinkIntent? intent, DateTimeOffset deadline)
    {
        if (wanted.Existing) return new() { Device = wanted.Device, State = UplinkState.Confirmed, Attempt = wanted.Attempt };
        if (intent is null) return null;
        var state = intent.Phase != UplinkPhase.Applied ? UplinkState.RolledBack
            : IsConfirmed(wanted, intent) ? UplinkState.Confirmed
            : UplinkState.AwaitingConfirmation;
        return new()
        {
            Device = intent.Device,
            State = state,
            Attempt = intent.Attempt,
            Deadline = state == UplinkState.AwaitingConfirmation ? deadline : null,
            Unreached = state == UplinkState.Confirmed ? [] : [.. intent.Unreached.Select(member => member.Name), .. intent.AwaitsStore ? new[] { UplinkReach.Store } : []],
            Addresses = state == UplinkState.RolledBack ? [] : [.. intent.Addressing.Addresses.Select(address => address.Text)],
        };
    }

    /// <summary>By somebody's word, and by the host's own proof: the word is of the host by which it was said, and here the others move their addresses too.</summary>
    private static bool IsConfirmed(NetworkBridge wanted, UplinkIntent intent) => wanted.Confirmed >= intent.Attempt && intent.IsProven;

    private static UplinkStep Removal(UplinkIntent intent, string bootId) => intent.Phase switch
    {
        _ when intent.BootId != bootId => UplinkStep.Forget,
        UplinkPhase.RolledBack => UplinkStep.Forget,
        UplinkPhase.Applied => UplinkStep.Remove,
        _ => UplinkStep.RollBack,
    };
}
