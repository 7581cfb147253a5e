using Lamina.Server.Metrics.Exposition;
using Lamina.Testing.Metrics;

namespace Lamina.Tests.Unit.Metrics;

public sealed class PrometheusTextTests
{
    [Fact]
    public void A_family_in_two_places_is_refused()
    {
        var text = new PrometheusText();
        text.Counter("a_total", "A.").Sample("a_total", 1);
        Assert.Throws<InvalidOperationException>(() => text.Counter("a_total", "A."));
    }

    [Fact]
    public void Labels_and_help_are_escaped()
    {
        var text = new PrometheusText();
        text.Gauge("g", "Back\\slash\nand \"quotes\".").Sample("g", 1.5, ("vm", "a\"b\\c\nd"), ("project", "x"));
        Assert.Equal("# HELP g Back\\\\slash\\nand \"quotes\".\n# TYPE g gauge\ng{vm=\"a\\\"b\\\\c\\nd\",project=\"x\"} 1.5\n", text.ToString());
        var parsed = Assert.Single(PrometheusParser.Parse(text.ToString()));
        Assert.Equal("a\"b\\c\nd", parsed.Samples[0].Labels["vm"]);
    }

    [Fact]
    public void Numbers_are_as_the_format_wants_them()
    {
        var text = new PrometheusText();
        text.Gauge("g", "G.");
        foreach (double value in new[] { 0, -1.25, 1e21, 1.0 / 3, double.PositiveInfinity, double.NegativeInfinity, double.NaN, 12345678901234 }) text.Sample("g", value, ("v", $"{value}"));
        text.Sample("g", null);
        var values = Assert.Single(PrometheusParser.Parse(text.ToString())).Samples.Select(sample => sample.Value).ToList();
        Assert.Equal([0, -1.25, 1e21, 1.0 / 3, double.PositiveInfinity, double.NegativeInfinity, double.NaN, 12345678901234], values);
    }

    [Theory]
    [InlineData("a 1")]
    [InlineData("# TYPE a counter\na 1\n")]
    [InlineData("# HELP a A.\n# TYPE a counter\na 1\n")]
    [InlineData("# HELP a_total A.\n# TYPE a_total counter\na_total 1\na_total 2\n")]
    [InlineData("# HELP a_total A.\n# TYPE a_total counter\nb_total 1\n")]
    [InlineData("# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1} 1\n")]
    [InlineData("# HELP a_total A.\n# TYPE a_total counter\na_total{1x=\"1\"} 1\n")]
    [InlineData("# HELP a_total A.\n# TYPE a_total counter\na_total -1\n")]
    [InlineData("# HELP a_total A.\n# TYPE a_total counter\na_total one\n")]
    [InlineData("# HELP a-b A.\n# TYPE a-b gauge\n")]
    [InlineData("# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n")]
    [InlineData("# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n")]
    public void The_parser_itself_finds_what_is_wrong(string text) => Assert.Throws<FormatException>(() => PrometheusParser.Parse(text));
}
