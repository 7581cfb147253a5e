using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina migration …</c>: what holds for all migrations.</summary>
internal static class MigrationCommands
{
    private static readonly IReadOnlyList<Column<MigrationSettings>> Fields =
    [
        new("network", s => s.Network ?? "the hosts' addresses in the cluster"),
        new("most a second", s => s.MaxBytesPerSecond is { } most ? Sizes.Format(most) : "as much as the link carries"),
        new("post-copy waits", s => s.PostCopyPatienceSeconds is { } seconds ? Times.Duration(TimeSpan.FromSeconds(seconds)) : "5 min"),
    ];

    public static Command Build() => CommandBuilder.Noun("migration", "how running VMs are sent to other hosts", Show(), Set());

    private static Command Show() => CommandBuilder.Verb("show", "over which network they go, and how fast at most", [], async (invocation, cancellationToken) =>
        invocation.Printer.Show((await invocation.Client.Migration.GetAsync(cancellationToken)).Value, ApiJson.Default.MigrationSettings, Fields));

    private static Command Set()
    {
        var network = new Option<string?>("--network") { Description = "send to the address that the other host has in it, such as 10.9.0.0/24; none: to its address in the cluster", HelpName = "network" };
        var rate = new Option<string?>("--max-rate", "--bandwidth") { Description = "most that one migration sends a second unless it says otherwise: 800Mbit, 100MiB, none", HelpName = "rate" };
        var patience = new Option<string?>("--post-copy-patience") { Description = "how long a guest in post-copy may wait for a broken link (default 5m) before its memory is given up", HelpName = "time" };
        return CommandBuilder.Verb("set", "change it, for migrations that begin from then on", [network, rate, patience], async (invocation, cancellationToken) =>
        {
            if (invocation.Value(network) is null && invocation.Value(rate) is null && invocation.Value(patience) is null)
                throw new CliException(ExitCode.Usage, "nothing to change was named", "lamina migration set --help");
            var known = (await invocation.Client.Migration.GetAsync(cancellationToken)).Value;
            var update = new MigrationSettingsUpdate
            {
                Network = invocation.Value(network) switch { null => known.Network, "none" => null, var named => named },
                MaxBytesPerSecond = invocation.Value(rate) is null ? known.MaxBytesPerSecond : RateOptions.BytesPerSecond(rate, invocation),
                PostCopyPatienceSeconds = invocation.Value(patience) is { } text ? (int)SpanOptions.Parse(text).TotalSeconds : known.PostCopyPatienceSeconds,
            };
            invocation.Printer.Show(await invocation.Client.Migration.UpdateAsync(update, cancellationToken), ApiJson.Default.MigrationSettings, Fields);
        });
    }
}
