using System.Globalization;

namespace Lamina.Server;

internal enum CommandVerb
{
    Serve,
    OpenApi,
    ShutdownGuests,
    RemoveNetworks,
    StoreBackup,
    StoreRestore,
    StoreCheck,
    BackupRestore,
    ClusterRecover,
    Version,
    Help,
}

/// <summary>Arguments that make no sense.</summary>
internal sealed class CommandLineException(string message) : Exception(message);

/// <summary>What laminad was told on its command line.</summary>
internal sealed record CommandLine
{
    public const string Help = """
        laminad [OPTIONS]               serves until SIGTERM; guests run on
        laminad openapi [--output FILE] writes the description of the API
        laminad shutdown-guests [--timeout SECONDS] [--force]
                                        lets this host's guests power off, before the host does; --force cuts off those
                                        that take longer than --timeout (default 120) for each place in the order
        laminad remove-networks         takes bridges, packet rules, DHCP servers and the store's etcd off this host, for the removal of
                                        laminad; the next start brings them back; neither the daemon nor a guest may run
        laminad store backup FILE       copies the store, also beside a running daemon; one a day is made by itself (DIR/backups)
        laminad store restore FILE      puts a copy in the store's place and keeps what was there; the daemon must not run
        laminad store check             reads the store whole and says whether it is sound
        laminad backup restore FILE     brings back store, secrets and configuration from what 'lamina backup create' wrote, and keeps
                                        what was there; the daemon must not run
        laminad cluster-recover [--snapshot FILE]
                                        makes this voter's copy, or a snapshot that a voter's daemon has made (DIR/backups), the store
                                        of its cluster when the majority of voters is lost; the daemon must not run, guests may
        laminad --version

          --instance NAME  another daemon beside the default one: own paths, ports, subnet, uids
          --data DIR       default /var/lib/lamina, or /var/lib/lamina-NAME
          --run DIR        default /run/lamina, or /run/lamina-NAME
          --config DIR     default /etc/lamina, or /etc/lamina-NAME; holds lamina.yaml and conf.d/
          --log DIR        default /var/log/lamina, or /var/log/lamina-NAME

        """;

    public CommandVerb Verb { get; init; }
    public InstanceOptions Instance { get; init; } = new();
    public string? File { get; init; }
    public int? TimeoutSeconds { get; init; }
    public bool Force { get; init; }

    /// <exception cref="CommandLineException">Says which argument is wrong.</exception>
    public static CommandLine Parse(IReadOnlyList<string> args)
    {
        var line = new CommandLine();
        for (int index = 0; index < args.Count; index++)
        {
            string word = args[index];
            string Value() => ++index < args.Count ? args[index] : throw new CommandLineException($"{word} needs a value.");
            line = word switch
            {
                "--instance" => line with { Instance = line.Instance with { Name = Value() } },
                "--data" => line with { Instance = line.Instance with { DataDirectory = Value() } },
                "--run" => line with { Instance = line.Instance with { RunDirectory = Value() } },
                "--config" => line with { Instance = line.Instance with { ConfigurationDirectory = Value() } },
                "--log" => line with { Instance = line.Instance with { LogDirectory = Value() } },
                "--output" => line with { File = Value() },
                "--snapshot" => line with { File = Value() },
                "--timeout" => line with { TimeoutSeconds = Seconds(Value()) },
                "--force" => line with { Force = true },
                "shutdown-guests" when index == 0 => line with { Verb = CommandVerb.ShutdownGuests },
                "remove-networks" when index == 0 => line with { Verb = CommandVerb.RemoveNetworks },
                "cluster-recover" when index == 0 => line with { Verb = CommandVerb.ClusterRecover },
                "openapi" when index == 0 => line with { Verb = CommandVerb.OpenApi },
                "store" when index == 0 => StoreVerb(line, Value(), Value),
                "backup" when index == 0 => Value() == "restore"
                    ? line with { Verb = CommandVerb.BackupRestore, File = Value() }
                    : throw new CommandLineException("Say backup restore FILE; 'lamina backup create' makes one."),
                "--version" => line with { Verb = CommandVerb.Version },
                "--help" or "-h" => line with { Verb = CommandVerb.Help },
                _ => throw new CommandLineException($"'{word}' is not understood."),
            };
        }

        return line;
    }

    private static int Seconds(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) && seconds > 0
        ? seconds
        : throw new CommandLineException($"'{text}' is no number of seconds.");

    private static CommandLine StoreVerb(CommandLine line, string verb, Func<string> value) => verb switch
    {
        "backup" => line with { Verb = CommandVerb.StoreBackup, File = value() },
        "restore" => line with { Verb = CommandVerb.StoreRestore, File = value() },
        "check" => line with { Verb = CommandVerb.StoreCheck },
        _ => throw new CommandLineException($"'store {verb}' is not understood: say backup, restore or check."),
    };
}
