using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Store;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>What a step has brought about. A step never throws: what went wrong is a part of what happened.</summary>
internal sealed record VmStepResult(VmStep Step)
{
    /// <summary>The status that is now in the store.</summary>
    public VmCommitted? Committed { get; init; }

    /// <summary>A transaction of unknown outcome: settled before anything else is done.</summary>
    public VmUnsettled? Unsettled { get; init; }

    /// <summary>The process that has ended by this step.</summary>
    public VmWatch? Ended { get; init; }

    /// <summary>What the host held for a dead process is given back.</summary>
    public bool Released { get; init; }

    /// <summary>The store could not be reached: look again after a pause.</summary>
    public bool StoreAway { get; init; }

    /// <summary>The store had another state than expected: read the status again and decide anew.</summary>
    public bool Overtaken { get; init; }

    /// <summary>What a person should read; the plan draws its conclusion.</summary>
    public Failure? Failure { get; init; }
}

/// <summary>What the host still holds for a process that has ended; the watch is null when no daemon saw it end.</summary>
internal sealed record VmRemains(VmDefinition Definition, VmWatch? Watch);

/// <summary>A status as the store has it.</summary>
internal sealed record VmCommitted(VmStatus Status, long Revision);

/// <summary>A status that may or may not be in the store.</summary>
internal sealed record VmUnsettled(StoreTransaction Transaction, VmStatus Status);
