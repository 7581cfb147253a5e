using Lamina.Api;

namespace Lamina.Server.Vms.Plan;

/// <summary>
/// The heart: from what is wanted and what is seen, the one next step of a VM (pure). The runner carries it out, sees again, asks again,
/// until the answer is <see cref="VmStep.Rest"/>. Since nothing else is remembered, a daemon that dies anywhere goes on where it stood.
/// </summary>
/// <remarks>
/// <code>
///            order: running                     cont                 guest powers off, crash, order: stopped
///   Stopped ───────────────► Starting(run+1) ─────────► Running ───────────────► Stopping(cause) ─────► Stopped(cause)
///      ▲                          │                     │     ▲                                             │
///      │         start failed     │      order: paused, │     │ order: running,                             │ crash and restart policy,
///      └──────────────────────────┘      io error, full ▼     │ room in the pool                            │ hostBoot and autostart
///                                                      Paused─┘                                             └────► Starting(run+1)
/// </code>
/// Power is acted on only for an order that is not served, for a crash under a restart policy, or for a boot of the host with autostart.
/// Why a process is to end is committed before it is ended (<c>Stopping</c> with a cause), so that its absence explains itself.
/// </remarks>
internal static class VmPlan
{
    /// <summary>What is refreshed only (addresses, agent) is committed at most so often.</summary>
    public static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(2);

    /// <summary>How long after a failed deletion it is tried again.</summary>
    public static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(30);

    public static VmStep Next(VmWanted wanted, VmSeen seen, DateTimeOffset now)
    {
        var moment = new VmMoment(wanted, seen, now);
        return seen.Process is { } process ? VmPlanAlive.Next(moment, process) : VmPlanDead.Next(moment);
    }
}

/// <summary>What the plan looks at, in one value, with the words in which it answers.</summary>
internal readonly record struct VmMoment(VmWanted Wanted, VmSeen Seen, DateTimeOffset Now)
{
    public PowerOrder? Order => Wanted.Order;

    public string Name => Wanted.Spec.Name;

    public bool IsDeleting => Wanted.Spec.Deleting is not null;

    /// <summary>The present status at this epoch, as the base of the next one.</summary>
    public VmStatus Base
    {
        get
        {
            var last = Seen.Status ?? new VmStatus { Host = Wanted.Host, Epoch = Wanted.Epoch, State = VmState.Stopped };
            return last with { Host = Wanted.Host, Epoch = Wanted.Epoch, HostBootId = Seen.HostBootId };
        }
    }

    /// <summary>Commits a status that serves no order.</summary>
    public VmStep.Write Write(VmStatus status, VmNews? news = null) => new(status) { News = news };

    /// <summary>Commits a status together with the end of the present order, if there is one.</summary>
    public VmStep.Write Serve(VmStatus status, OperationPhase phase, Failure? failure = null, VmNews? news = null)
    {
        if (Order is not { } order) return Write(status, news);
        return new VmStep.Write(status with { Served = order.Operation, Failure = failure ?? status.Failure })
        {
            Outcome = new OrderOutcome(order.Operation, phase, failure),
            News = news,
        };
    }

    public VmStep.Write Fail(VmStatus status, Failure failure, VmNews? news = null) =>
        Serve(status, OperationPhase.Failed, failure, news);

    public VmNews News(string kind, string what, EventSeverity severity = EventSeverity.Information) =>
        new(severity, kind, $"VM '{Name}' {what}");
}
