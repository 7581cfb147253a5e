namespace Lamina.Tests.Nested;

/// <summary>What was asked of <see cref="NestedCommand"/>.</summary>
internal sealed record NestedOptions
{
    public const string Help = """
        ./dev nested [--cluster] [--from PART] [--until PART] [--hold] [--list]
        ./dev nested --on FOLDER [--cluster] [--from PART] [--until PART]
        ./dev nested --on FOLDER --run SCRIPT

          --cluster     what several hosts need: VLANs, NFS, a second host, its upgrade; and the steps on which that stands
          --from PART   begin with the first step whose name contains PART
          --until PART  end after the first step whose name contains PART
          --hold        then leave the host running until Ctrl-C, and say its folder
          --on FOLDER   on the host that another run holds, as it is
          --run SCRIPT  only let a shell of the host run this
          --list        only list the steps
        """;

    /// <summary>The package to install, and one of a higher version.</summary>
    public string Package { get; init; } = "";
    public string NextPackage { get; init; } = "";
    public bool Cluster { get; init; }
    public string? From { get; init; }
    public string? Until { get; init; }

    /// <summary>The folder of a host that another run holds; null: a host is started.</summary>
    public string? On { get; init; }
    public string? Script { get; init; }
    public bool Hold { get; init; }
    public bool List { get; init; }

    /// <summary>Null: not understood.</summary>
    public static NestedOptions? Parse(string[] args)
    {
        var options = new NestedOptions();
        for (int index = 0; index < args.Length; index++)
        {
            string? Value() => ++index < args.Length ? args[index] : null;
            NestedOptions? next = args[index] switch
            {
                "--package" => Value() is { } file ? options with { Package = Path.GetFullPath(file) } : null,
                "--next" => Value() is { } file ? options with { NextPackage = Path.GetFullPath(file) } : null,
                "--from" => Value() is { } part ? options with { From = part } : null,
                "--until" => Value() is { } part ? options with { Until = part } : null,
                "--on" => Value() is { } folder && Directory.Exists(folder) ? options with { On = folder } : null,
                "--run" => Value() is { } script ? options with { Script = script } : null,
                "--cluster" => options with { Cluster = true },
                "--hold" => options with { Hold = true },
                "--list" => options with { List = true },
                _ => null,
            };
            if (next is null) return null;
            options = next;
        }

        if (options.Script is not null && options.On is null) return null;
        return options.List || options.On is not null || (File.Exists(options.Package) && File.Exists(options.NextPackage)) ? options : null;
    }
}
