using System.Globalization;

namespace Lamina.Bench;

/// <summary>What is measured, and how often.</summary>
internal sealed record BenchOptions
{
    /// <summary>The folder of the published laminad and lamina.</summary>
    public string Programs { get; init; } = "";

    /// <summary>The folder of the bare script.</summary>
    public string Scripts { get; init; } = "";

    /// <summary>What is measured: start, clone, density, evacuate, memory, migrate, placement, scale, snapshot or web.</summary>
    public string What { get; init; } = "start";

    /// <summary>The folder of the small Linux guest (evacuate, memory, migrate, snapshot).</summary>
    public string Media { get; init; } = "";

    /// <summary>A disk image of debian/12 as laminad builds it (memory); empty: none.</summary>
    public string Image { get; init; } = "";

    /// <summary>Where the result goes, as Markdown and JSON.</summary>
    public string Results { get; init; } = "";

    /// <summary>Pairs of each kind; from 300 on the 99th percentile means something.</summary>
    public int Pairs { get; init; } = 100;

    /// <summary>Starts or migrations by libvirt, spread over the pairs.</summary>
    public int Libvirt { get; init; } = 20;

    /// <summary>VMs on record for the figures of the daemon itself.</summary>
    public int Recorded { get; init; } = 1000;

    /// <summary>Of the migrated guest's memory, with random content; it has twice as much. A small one shows what is the same for each migration, a large one what grows with the guest.</summary>
    public int FilledMiB { get; init; } = 256;

    /// <summary>On each host that is emptied.</summary>
    public int Guests { get; init; } = 12;

    /// <summary>How often each way of emptying is measured.</summary>
    public int Rounds { get; init; } = 1;

    /// <summary>Of a probe: where the store answers, whom it is to be certified by, this host's certificate and key, and where the other host answers.</summary>
    public string Store { get; init; } = "";
    public string Authority { get; init; } = "";
    public string Certificate { get; init; } = "";
    public string Peer { get; init; } = "";

    /// <exception cref="ArgumentException">Says which argument is wrong.</exception>
    public static BenchOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new BenchOptions();
        if (arguments.Count % 2 != 0) throw new ArgumentException($"{arguments[^1]} needs a value.");
        foreach (var pair in arguments.Chunk(2))
        {
            options = pair[0] switch
            {
                "--what" => options with { What = pair[1] },
                "--media" => options with { Media = pair[1] },
                "--programs" => options with { Programs = pair[1] },
                "--scripts" => options with { Scripts = pair[1] },
                "--image" => options with { Image = pair[1] },
                "--results" => options with { Results = pair[1] },
                "--pairs" => options with { Pairs = Number(pair) },
                "--libvirt" => options with { Libvirt = Number(pair, least: 0) },
                "--filled" => options with { FilledMiB = Number(pair) },
                "--guests" => options with { Guests = Number(pair) },
                "--rounds" => options with { Rounds = Number(pair) },
                "--store" => options with { Store = pair[1] },
                "--authority" => options with { Authority = pair[1] },
                "--certificate" => options with { Certificate = pair[1] },
                "--peer" => options with { Peer = pair[1] },
                "--recorded" => options with { Recorded = Number(pair) },
                _ => throw new ArgumentException($"'{pair[0]}' is not understood."),
            };
        }

        return options;
    }

    private static int Number(string[] pair, int least = 1) => int.TryParse(pair[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least
        ? number
        : throw new ArgumentException($"{pair[0]} needs a number from {least} on, not '{pair[1]}'.");
}
