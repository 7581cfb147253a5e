using System.Globalization;

namespace Lamina.Tests.Faults;

/// <summary>What <c>./dev faults</c> is told.</summary>
internal sealed record FaultsOptions
{
    /// <summary>How many migrations.</summary>
    public int Migrations { get; private set; } = 200;

    /// <summary>Of everything that is left to chance.</summary>
    public int Seed { get; private set; } = Random.Shared.Next(1, 1_000_000);

    /// <summary>No further round begins after so long.</summary>
    public int Minutes { get; private set; } = 600;

    /// <summary>Migrations of one round.</summary>
    public int AtOnce { get; private set; } = 2;

    /// <summary>Only these faults; empty: all.</summary>
    public IReadOnlyList<string> Only { get; private set; } = [];

    /// <summary>Where the report goes.</summary>
    public string Report { get; private set; } = "faults.json";

    /// <returns>Null: it cannot be understood.</returns>
    public static FaultsOptions? Parse(string[] args)
    {
        var options = new FaultsOptions();
        for (int index = 0; index < args.Length; index += 2)
        {
            if (index + 1 == args.Length || !options.Take(args[index], args[index + 1])) return null;
        }

        return options;
    }

    private bool Take(string name, string value)
    {
        if (name == "--only")
        {
            Only = value.Split(',');
            return true;
        }

        if (name == "--report")
        {
            Report = value;
            return true;
        }

        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number == 0) return false;
        switch (name)
        {
            case "--faults": Migrations = number; return true;
            case "--seed": Seed = number; return true;
            case "--minutes": Minutes = number; return true;
            case "--at-once": AtOnce = number; return true;
            default: return false;
        }
    }
}
