using System.Collections.Immutable;

namespace Lamina.Server.Maintenance.Plan;

/// <summary>
/// What was learned of one host's link: how much it carried in all with one stream, with two, and so on. Says how many streams are worth having: one more as long
/// as each one more has brought more in all. Immutable.
/// </summary>
internal sealed record LinkExperience
{
    /// <summary>One more stream is worth it when the link carries this much more with it.</summary>
    private const double WorthIt = 1.15;

    /// <summary>What is measured now counts so much beside what was measured before.</summary>
    private const double Weight = 0.4;

    /// <summary>Beyond this the streams' own work on either host outweighs whatever the link could carry more.</summary>
    public const int MostStreams = 8;

    public static LinkExperience None { get; } = new();

    private ImmutableSortedDictionary<int, double> BytesPerSecond { get; init; } = ImmutableSortedDictionary<int, double>.Empty;

    /// <summary>How many at once serve best, as far as is known.</summary>
    public int Streams
    {
        get
        {
            // Where two were under way from the start, one alone was never measured.
            int streams = BytesPerSecond.Keys.FirstOrDefault(1);
            while (streams < MostStreams && BytesPerSecond.TryGetValue(streams, out double alone))
            {
                if (BytesPerSecond.TryGetValue(streams + 1, out double together) && together < alone * WorthIt) return streams;
                streams++;
            }

            return streams;
        }
    }

    /// <summary>The most that it carried; null: nothing was measured yet.</summary>
    public double? BestBytesPerSecond => BytesPerSecond.Count == 0 ? null : BytesPerSecond.Values.Max();

    /// <summary>What one of <see cref="Streams"/> has of it; null: nothing was measured yet.</summary>
    public double? StreamBytesPerSecond => BestBytesPerSecond / Streams;

    /// <param name="streams">How many sent, all of them settled.</param>
    /// <param name="bytesPerSecond">What they sent in all.</param>
    public LinkExperience With(int streams, double bytesPerSecond)
    {
        if (streams < 1 || bytesPerSecond <= 0) return this;
        double smooth = BytesPerSecond.TryGetValue(streams, out double before) ? (before * (1 - Weight)) + (bytesPerSecond * Weight) : bytesPerSecond;
        return this with { BytesPerSecond = BytesPerSecond.SetItem(streams, smooth) };
    }
}
