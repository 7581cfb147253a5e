using System.Text.Json.Serialization;

namespace Lamina.Bench;

/// <summary>All that a run of <c>./dev bench start</c> found out. Times are milliseconds.</summary>
internal sealed record BenchResult
{
    public required DateTimeOffset At { get; init; }
    public required Machine Machine { get; init; }

    /// <summary>Create and start: disk, packet rules, tap, uid, cgroup, QEMU.</summary>
    public required Comparison Launch { get; init; }

    /// <summary>Start of what is there and stopped: tap, uid, cgroup, QEMU.</summary>
    public required Comparison Start { get; init; }

    /// <summary><c>virsh start</c> of the same guest, its disk and rules being there, over a connection that is kept.</summary>
    public required Summary Virsh { get; init; }
    public required double TimesFasterThanVirsh { get; init; }
    public required DaemonFigures Daemon { get; init; }
}

/// <summary>Where it ran. The load averages tell how much else the machine did.</summary>
internal sealed record Machine(string Cpu, int Cores, string Kernel, string Qemu, string Libvirt, string LoadBefore, string LoadAfter);

/// <summary>Pairs of one start by Lamina and one by the bare script, in random order.</summary>
internal sealed record Comparison
{
    public required Summary Lamina { get; init; }
    public required Summary Bare { get; init; }

    /// <summary>Lamina less bare, of each pair.</summary>
    public required Interval Difference { get; init; }
    public required IReadOnlyList<IReadOnlyList<double>> Pairs { get; init; }

    public static Comparison Of(IReadOnlyList<(double Lamina, double Bare)> pairs) => new()
    {
        Lamina = Summary.Of([.. pairs.Select(pair => pair.Lamina)]),
        Bare = Summary.Of([.. pairs.Select(pair => pair.Bare)]),
        Difference = Statistics.MedianInterval([.. pairs.Select(pair => pair.Lamina - pair.Bare)]),
        Pairs = [.. pairs.Select(pair => new[] { Math.Round(pair.Lamina, 2), Math.Round(pair.Bare, 2) })],
    };
}

/// <summary>What the daemon and the command line cost by themselves.</summary>
internal sealed record DaemonFigures
{
    public required long IdleKiB { get; init; }
    public required int Recorded { get; init; }
    public required long RecordedKiB { get; init; }
    public required double PerVmKiB { get; init; }

    /// <summary>From exec to the first answer of the API, with so many VMs on record.</summary>
    public required Summary FirstAnswer { get; init; }

    /// <summary><c>lamina vm list</c>, one VM on record.</summary>
    public required Summary VmList { get; init; }

    /// <summary>The same with all of them on record.</summary>
    public required Summary LongVmList { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BenchResult))]
[JsonSerializable(typeof(DensityResult))]
[JsonSerializable(typeof(MemoryResult))]
[JsonSerializable(typeof(SnapshotResult))]
[JsonSerializable(typeof(Migration.MigrateResult))]
[JsonSerializable(typeof(Evacuation.EvacuateResult))]
internal sealed partial class BenchJson : JsonSerializerContext;
