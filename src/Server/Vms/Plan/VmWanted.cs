using Lamina.Api;

namespace Lamina.Server.Vms.Plan;

/// <summary>What the store asks of this host for one VM, at one moment.</summary>
internal sealed record VmWanted
{
    public required VmSpec Spec { get; init; }

    /// <summary>The assignment's.</summary>
    public required long Epoch { get; init; }

    /// <summary>The lowest epoch of a process here that goes on at <see cref="Epoch"/>; null: none of another one does.</summary>
    public long? Since { get; init; }

    /// <summary>Id of the assigned host, which is this one.</summary>
    public required string Host { get; init; }

    /// <summary>The power request that is not served yet; null: nothing is asked.</summary>
    public PowerOrder? Order { get; init; }

    /// <summary>The reset asked for and not yet begun; null: none.</summary>
    public string? Reset { get; init; }

    /// <summary>Changes of devices and sizes that have been asked for, oldest first.</summary>
    public IReadOnlyList<ChangeOrder> Changes { get; init; } = [];

    /// <summary>The job whose turn it is; null: none waits.</summary>
    public VmJobRequest? Job { get; init; }

    /// <summary>The job that has its permit on record is over: nobody else will clear it.</summary>
    public bool IsJobLost { get; init; }
}

/// <summary>A job that wants to borrow the VM.</summary>
internal sealed record VmJobRequest(string Operation, VmJobKind Kind);

/// <summary>One power request with what its operation says about how.</summary>
/// <param name="Operation">Its id, which is also the request in <see cref="VmPower"/>.</param>
/// <param name="Wanted">Where to.</param>
internal sealed record PowerOrder(string Operation, PowerWanted Wanted)
{
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(300);

    /// <summary>Stop by cutting the power. A request whose operation is lost is served politely.</summary>
    public bool Force { get; init; }

    /// <summary>How long the guest may take to shut down.</summary>
    public TimeSpan Timeout { get; init; } = DefaultTimeout;

    /// <summary>Cut the power once the time is over.</summary>
    public bool ForceAfter { get; init; }

    /// <summary>Of a start: what to boot from this once; null: the VM's own order.</summary>
    public BootDevice? Boot { get; init; }

    /// <summary>The person has thought better of it.</summary>
    public bool CancelRequested { get; init; }
}
