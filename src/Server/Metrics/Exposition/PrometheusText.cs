using System.Globalization;
using System.Text;

namespace Lamina.Server.Metrics.Exposition;

/// <summary>
/// Writes Prometheus' text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): families one after the other, each with
/// its help, its type and all of its samples. By hand, since the exporter of OpenTelemetry is not yet stable and wants an instrument for each
/// series, where all that is needed is a walk over what was read.
/// </summary>
internal sealed class PrometheusText
{
    public const string MediaType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();
    private readonly HashSet<string> _families = new(StringComparer.Ordinal);

    /// <summary>Begins a family; its samples follow at once.</summary>
    /// <exception cref="InvalidOperationException">It was there already: a scrape with a family in two places is refused as a whole.</exception>
    public PrometheusText Family(string name, string type, string help)
    {
        if (!_families.Add(name)) throw new InvalidOperationException($"the family {name} is written twice");
        _text.Append("# HELP ").Append(name).Append(' ');
        Escape(help, isLabel: false);
        _text.Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        return this;
    }

    public PrometheusText Counter(string name, string help) => Family(name, "counter", help);

    public PrometheusText Gauge(string name, string help) => Family(name, "gauge", help);

    /// <summary>A null value is not there, and is not written.</summary>
    public void Sample(string name, double? value, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        if (value is not { } number) return;
        _text.Append(name);
        for (int index = 0; index < labels.Length; index++)
        {
            _text.Append(index == 0 ? '{' : ',').Append(labels[index].Name).Append("=\"");
            Escape(labels[index].Value, isLabel: true);
            _text.Append('"');
        }

        if (labels.Length > 0) _text.Append('}');
        _text.Append(' ').Append(Words(number)).Append('\n');
    }

    public override string ToString() => _text.ToString();

    private static string Words(double number) => number switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ when double.IsNaN(number) => "NaN",
        _ => number.ToString("R", CultureInfo.InvariantCulture),
    };

    private void Escape(string text, bool isLabel)
    {
        foreach (char character in text)
        {
            if (character == '\\') _text.Append("\\\\");
            else if (character == '\n') _text.Append("\\n");
            else if (character == '"' && isLabel) _text.Append("\\\"");
            else _text.Append(character);
        }
    }
}
