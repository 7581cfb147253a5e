using System.Collections.Concurrent;
using Lamina.Api;

namespace Lamina.Server.Metrics.History;

/// <summary>The past of the host and of its VMs: a file for each, in the daemon's data folder and never in the store (decision 14).</summary>
internal sealed class MetricHistories(string folder)
{
    private readonly ConcurrentDictionary<string, RingFile> _files = new(StringComparer.Ordinal);

    private string VmsFolder => Path.Join(folder, "vms");

    public void Prepare()
    {
        foreach (string part in new[] { VmsFolder, Path.Join(folder, "hosts") }) Directory.CreateDirectory(part, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public string? AppendVm(string id, long time, ReadOnlySpan<float> values) => OfVm(id).Append(time, values);

    public string? AppendHost(string id, long time, ReadOnlySpan<float> values) => OfHost(id).Append(time, values);

    public MetricHistory ReadVm(string id, HistoryRange range) => Answer(OfVm(id), range, VmSeries.All);

    public MetricHistory ReadHost(string id, HistoryRange range) => Answer(OfHost(id), range, HostSeries.All);

    /// <summary>Removes the past of VMs that are deleted.</summary>
    /// <param name="isKnown">Tells whether a VM is on record.</param>
    /// <returns>Names of the files removed.</returns>
    public IReadOnlyList<string> RemoveVmsBut(Func<string, bool> isKnown)
    {
        if (!Directory.Exists(VmsFolder)) return [];
        string[] unknown = [.. Directory.EnumerateFiles(VmsFolder).Where(file => !isKnown(Path.GetFileName(file).Split('.')[0]))];
        foreach (string file in unknown)
        {
            File.Delete(file);
            _files.TryRemove(file, out _);
        }

        return [.. unknown.Select(file => Path.GetFileName(file))];
    }

    /// <summary>Means over each step; a step without rows has no value.</summary>
    private static MetricHistory Answer<T>(RingFile file, HistoryRange range, IReadOnlyList<SeriesDefinition<T>> series)
    {
        var steps = file.Read(range.Level, range.From, range.To).GroupBy(row => (row.Time - range.From) / range.StepSeconds).ToDictionary(step => step.Key, step => RingRow.Mean(0, [.. step]));
        return new MetricHistory
        {
            From = DateTimeOffset.FromUnixTimeSeconds(range.From),
            StepSeconds = range.StepSeconds,
            Count = range.Count,
            Series =
            [
                .. series.Index().Select(column => new MetricSeries
                {
                    Name = column.Item.Name,
                    Unit = column.Item.Unit,
                    Values = [.. Enumerable.Range(0, range.Count).Select(step => steps.TryGetValue(step, out var row) ? Finite(row.Values[column.Index]) : null)],
                }),
            ],
        };
    }

    private static double? Finite(float value) => float.IsFinite(value) ? value : null;

    private RingFile OfVm(string id) => Of(Path.Join(VmsFolder, $"{id}.ring"));

    private RingFile OfHost(string id) => Of(Path.Join(folder, "hosts", $"{id}.ring"));

    private RingFile Of(string path) => _files.GetOrAdd(path, static name => new RingFile(name));
}
