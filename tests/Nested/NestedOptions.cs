namespace Lamina.Tests.Nested;

/// <summary>What was asked of <see cref="NestedCommand"/>.</summary>
internal sealed record NestedOptions
{
    public const string Help = """
        ./dev nested [--cluster] [--until PART] [--hold] [--list]

          --cluster     only what a cluster needs of its hosts' kernels, VLANs and NFS, and the steps on which that stands
          --until PART  end after the first step whose name contains PART
          --hold        then leave the host running until Ctrl-C, and say how to look into it
          --list        only list the steps
        """;

    /// <summary>The package to install, and one of a higher version.</summary>
    public string Package { get; init; } = "";
    public string NextPackage { get; init; } = "";
    public bool Cluster { get; init; }
    public string? Until { get; init; }
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
                "--until" => Value() is { } part ? options with { Until = part } : null,
                "--cluster" => options with { Cluster = true },
                "--hold" => options with { Hold = true },
                "--list" => options with { List = true },
                _ => null,
            };
            if (next is null) return null;
            options = next;
        }

        return options.List || (File.Exists(options.Package) && File.Exists(options.NextPackage)) ? options : null;
    }
}
