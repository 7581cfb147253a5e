namespace Lamina.Bench;

/// <summary>A list of times in milliseconds, summed up.</summary>
internal sealed record Summary
{
    public required int Count { get; init; }
    public required double Median { get; init; }
    public required double P10 { get; init; }
    public required double P90 { get; init; }

    /// <summary>Only of 300 and more.</summary>
    public double? P99 { get; init; }

    public static Summary Of(IReadOnlyCollection<double> values) => new()
    {
        Count = values.Count,
        Median = Statistics.Quantile(values, 0.5),
        P10 = Statistics.Quantile(values, 0.1),
        P90 = Statistics.Quantile(values, 0.9),
        P99 = values.Count >= 300 ? Statistics.Quantile(values, 0.99) : null,
    };
}

/// <summary>A median with its 95 % interval.</summary>
internal sealed record Interval(double Median, double Low, double High);

/// <summary>Pure.</summary>
internal static class Statistics
{
    private const int Resamples = 10_000;
    private const int Seed = 20_260_101;

    /// <summary>Linear between the neighbours.</summary>
    public static double Quantile(IEnumerable<double> values, double part)
    {
        double[] sorted = [.. values.Order()];
        double place = part * (sorted.Length - 1);
        int below = (int)place;
        return below + 1 < sorted.Length ? sorted[below] + ((place - below) * (sorted[below + 1] - sorted[below])) : sorted[below];
    }

    /// <summary>The percentile bootstrap of the median (Efron); the seed is fixed, so that the same values give the same interval.</summary>
    public static Interval MedianInterval(IReadOnlyList<double> values)
    {
        var random = new Random(Seed);
        double[] medians = [.. Enumerable.Range(0, Resamples).Select(_ => Quantile(values.Select(_ => values[random.Next(values.Count)]), 0.5))];
        return new(Quantile(values, 0.5), Quantile(medians, 0.025), Quantile(medians, 0.975));
    }
}
