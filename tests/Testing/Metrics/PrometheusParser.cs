using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Lamina.Testing.Metrics;

public sealed record PrometheusSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);

public sealed record PrometheusFamily(string Name, string Type, string Help, IReadOnlyList<PrometheusSample> Samples);

/// <summary>
/// Reads Prometheus' text format 0.0.4 as strictly as its definition allows, and its naming rules too: each family once, with help and type before
/// its samples; a series once; counters end in <c>_total</c> and are not negative; the buckets of a histogram rise to <c>+Inf</c>, which is its count.
/// </summary>
public static partial class PrometheusParser
{
    private static readonly string[] Types = ["counter", "gauge", "histogram"];

    /// <exception cref="FormatException">Says what is wrong.</exception>
    public static IReadOnlyList<PrometheusFamily> Parse(string text)
    {
        Require(text.EndsWith('\n'), "the last line has no end");
        var families = new List<(string Name, string Type, string Help, List<PrometheusSample> Samples)>();
        string[] lines = text.Split('\n')[..^1];
        for (int index = 0; index < lines.Length; index++)
        {
            string line = lines[index];
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                string[] words = line.Split(' ', 4);
                Require(words.Length == 4 && Name().IsMatch(words[2]), $"no help: {line}");
                Require(families.All(family => family.Name != words[2]), $"{words[2]} is there twice");
                Require(index + 1 < lines.Length && lines[index + 1].StartsWith($"# TYPE {words[2]} ", StringComparison.Ordinal), $"{words[2]} has no type");
                string type = lines[++index].Split(' ')[3];
                Require(Types.Contains(type), $"{words[2]} is a {type}");
                Require(type != "counter" || words[2].EndsWith("_total", StringComparison.Ordinal), $"the counter {words[2]} does not end in _total");
                families.Add((words[2], type, words[3], []));
                continue;
            }

            Require(families.Count > 0, $"a sample before any family: {line}");
            families[^1].Samples.Add(Sample(line, families[^1].Name, families[^1].Type));
        }

        foreach (var (name, type, _, samples) in families) Check(name, type, samples);
        return [.. families.Select(family => new PrometheusFamily(family.Name, family.Type, family.Help, family.Samples))];
    }

    private static PrometheusSample Sample(string line, string family, string type)
    {
        var match = Line().Match(line);
        Require(match.Success, $"no sample: {line}");
        string name = match.Groups["name"].Value;
        string[] known = type == "histogram" ? [$"{family}_bucket", $"{family}_sum", $"{family}_count"] : [family];
        Require(known.Contains(name), $"{name} is not of {family}");
        return new PrometheusSample(name, Labels(match.Groups["labels"].Value), Number(match.Groups["value"].Value));
    }

    private static Dictionary<string, string> Labels(string text)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        int place = 0;
        while (place < text.Length)
        {
            var match = Label().Match(text, place);
            Require(match.Success && match.Index == place, $"no label: {text[place..]}");
            Require(labels.TryAdd(match.Groups["name"].Value, Unescape(match.Groups["value"].Value)), $"a label is there twice: {text}");
            place += match.Length;
            if (place == text.Length) break;
            Require(text[place] == ',', $"no comma: {text[place..]}");
            place++;
        }

        return labels;
    }

    private static string Unescape(string text)
    {
        var plain = new StringBuilder();
        for (int index = 0; index < text.Length; index++)
        {
            char character = text[index] != '\\' ? text[index] : text[++index] switch { 'n' => '\n', '"' => '"', '\\' => '\\', _ => throw new FormatException($"no escape: {text}") };
            plain.Append(character);
        }

        return plain.ToString();
    }

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        "NaN" => double.NaN,
        _ => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : throw new FormatException($"no number: {text}"),
    };

    private static void Check(string name, string type, List<PrometheusSample> samples)
    {
        var series = samples.Select(sample => sample.Name + string.Concat(sample.Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"|{label.Key}={label.Value}"))).ToList();
        Require(series.Distinct().Count() == series.Count, $"a series of {name} is there twice");
        Require(type != "counter" || samples.All(sample => sample.Value >= 0), $"the counter {name} is negative");
        if (type != "histogram") return;
        double[] buckets = [.. samples.Where(sample => sample.Name == $"{name}_bucket").OrderBy(sample => Number(sample.Labels["le"])).Select(sample => sample.Value)];
        Require(samples.Any(sample => sample.Labels.TryGetValue("le", out var bound) && bound == "+Inf"), $"{name} has no bucket +Inf");
        Require(buckets.SequenceEqual(buckets.Order()), $"the buckets of {name} do not rise");
        Require(samples.Single(sample => sample.Name == $"{name}_count").Value.Equals(buckets[^1]), $"the count of {name} is not its last bucket");
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new FormatException(otherwise);
    }

    [GeneratedRegex(@"^[a-zA-Z_:][a-zA-Z0-9_:]*$")]
    private static partial Regex Name();

    [GeneratedRegex(@"^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>.*)\})? (?<value>\S+)$")]
    private static partial Regex Line();

    [GeneratedRegex(@"(?<name>[a-zA-Z_][a-zA-Z0-9_]*)=""(?<value>([^""\\]|\\.)*)""")]
    private static partial Regex Label();
}
