using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Placement;

/// <summary>Which CPU new guests see: one that every host offers whole, so that they can move to each of them (pure).</summary>
internal static class CpuBaselines
{
    /// <summary>Runs wherever QEMU runs.</summary>
    private const string Fallback = "qemu64-v1";

    /// <summary>As the records say.</summary>
    public static CpuBaseline? Read(CacheSnapshot snapshot) => Read(snapshot, snapshot.Get(Keys.PlacementSettings, "")?.Record ?? new PlacementSettings());

    /// <summary>As it would be by other settings.</summary>
    public static CpuBaseline? Read(CacheSnapshot snapshot, PlacementSettings settings) =>
        Of(settings.CpuModel, [.. snapshot.All(Keys.Hosts.Status).Select(host => (snapshot.HostName(host.Id), host.Record))]);

    /// <summary>
    /// The model set by hand; else, of the models that hosts would choose for themselves, the one that all offer whole (hosts of one generation agree at
    /// once, and a newer host gives way to the oldest). Null: no host has told.
    /// </summary>
    /// <param name="chosen">Set by hand; null: none.</param>
    /// <param name="hosts">Their statuses.</param>
    public static CpuBaseline? Of(string? chosen, IReadOnlyList<(string Name, HostStatus Status)> hosts)
    {
        var told = hosts.Where(host => host.Status.DefaultCpuModel is not null).OrderBy(host => host.Name, StringComparer.Ordinal).ToList();
        if (told.Count == 0) return null;
        if (chosen is not null) return new CpuBaseline { Model = chosen, Reason = "It was chosen by hand: lamina placement set --cpu-model." };
        foreach (var host in told)
        {
            string model = host.Status.DefaultCpuModel!;
            if (told.All(other => Offers(other.Status, model)))
                return new CpuBaseline { Model = model, Reason = told.Count == 1 ? $"Host '{host.Name}' offers nothing newer whole." : $"Every host offers it whole; host '{host.Name}' offers nothing newer." };
        }

        return new CpuBaseline { Model = Fallback, Reason = "No newer model is offered whole by every host: their processors are of different makers or kinds." };
    }

    /// <summary>A host that has not told which models it offers is asked for its own choice only.</summary>
    private static bool Offers(HostStatus status, string model) => status.DefaultCpuModel == model || status.CpuModels.Contains(model);
}
