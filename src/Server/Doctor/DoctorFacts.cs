using Lamina.Api;
using Lamina.Linux.Cgroups;
using Lamina.Server.Control;
using Lamina.Server.Networks;

namespace Lamina.Server.Doctor;

/// <summary>Everything that the checks look at, collected once.</summary>
internal sealed record DoctorFacts
{
    public required DateTimeOffset Now { get; init; }

    /// <summary>Null: the host has not written itself yet.</summary>
    public HostStatus? Host { get; init; }

    /// <summary>Null: the engine has not answered.</summary>
    public bool? HasUefi { get; init; }

    /// <summary>Null: the engine has not answered.</summary>
    public bool? HasSecureBoot { get; init; }

    /// <summary>Programs that were looked for, and where they are; null: not there.</summary>
    public IReadOnlyDictionary<string, string?> Programs { get; init; } = new Dictionary<string, string?>();
    public required CgroupSupport Cgroups { get; init; }
    public IReadOnlyList<PoolFacts> Pools { get; init; } = [];
    public IReadOnlyList<NetworkFacts> Networks { get; init; } = [];
    public HostNetworkFacts HostNetworks { get; init; } = new();
    public bool StoreIsStale { get; init; }

    /// <summary>Of the store, and what waits since.</summary>
    public ClusterRecovery Recovery { get; init; } = new();

    /// <summary>Null: there is no wall clock state to be read.</summary>
    public bool? ClockIsSynchronized { get; init; }

    /// <summary>By room.</summary>
    public IReadOnlyDictionary<string, SweepReport> Sweeps { get; init; } = new Dictionary<string, SweepReport>();
    public bool HasLocalGroup { get; init; }
    public required DateTimeOffset CertificateEnds { get; init; }
    public required DateTimeOffset CaEnds { get; init; }

    /// <summary>Null: none is set.</summary>
    public DateTimeOffset? OwnCertificateEnds { get; init; }

    /// <summary>The first password still lies in its file, so it still opens the door.</summary>
    public string? FirstPasswordFile { get; init; }
}

/// <summary>A pool as people and this host see it.</summary>
/// <param name="Name">Of the pool.</param>
/// <param name="Spec">Its record.</param>
/// <param name="Status">For people; null: none yet.</param>
/// <param name="Hangs">Why this host leaves it alone; null: it answers.</param>
internal sealed record PoolFacts(string Name, PoolSpec Spec, PoolStatus? Status, Failure? Hangs = null);

internal sealed record NetworkFacts(string Name, NetworkStatus? Status);
