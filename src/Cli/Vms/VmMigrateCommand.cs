using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Vms;

/// <summary><c>vm migrate</c></summary>
internal static class VmMigrateCommand
{
    private static readonly IReadOnlyList<Column<MigrationForecast>> Fields =
    [
        new("from", forecast => forecast.From),
        new("to", forecast => forecast.To),
        new("kind", forecast => forecast.Kind == HandoverKind.Live ? "live" : "at rest"),
        new("disks that go along", forecast => forecast.Disks.Count == 0 ? null : $"{forecast.Disks.Count}, {Sizes.Format(forecast.Disks.Sum(disk => disk.SizeBytes))}"),
        new("connections", forecast => forecast.Streams == 0 ? null : forecast.Streams.ToString(CultureInfo.InvariantCulture)),
        new("sent to", forecast => forecast.Address),
        new("most a second", forecast => forecast.MaxBytesPerSecond is { } most ? Sizes.Format(most) : null),
        new("in the way", forecast => forecast.Blockers.Count == 0 ? "nothing" : string.Join('\n', forecast.Blockers.Select(blocker => $"{blocker.Message} {blocker.Remedy}".Trim()))),
    ];

    public static Command Build()
    {
        var vm = VmArgument.Create();
        var to = new Option<string>("--to") { Description = "the host to go to", HelpName = "host", Required = true };
        var withStorage = new Option<bool>("--with-storage") { Description = "disks that the other host cannot reach go along" };
        var pool = new Option<string?>("--pool") { Description = "where they live there (default: the pool of the same name)", HelpName = "name" };
        var rate = new Option<string?>("--max-rate", "--bandwidth") { Description = "most that is sent a second: 800Mbit, 100MiB", HelpName = "rate" };
        var postCopy = new Option<bool>("--allow-post-copy") { Description = "if it writes faster than the link carries, it may run on there before all of its memory is there; if the link then breaks for good, its memory is lost" };
        var timeout = new Option<string?>("--timeout") { Description = "for how long its memory may be sent before post-copy begins, if allowed, or it is given up: 30m", HelpName = "time" };
        var offline = new Option<bool>("--offline") { Description = "only if it does not run" };
        var dryRun = new Option<bool>("--dry-run") { Description = "say what would be done and what stands in the way" };
        return CommandBuilder.Verb("migrate", "move it to another host, while its guest runs or at rest", [vm, to, withStorage, pool, rate, postCopy, timeout, offline, dryRun], async (invocation, cancellationToken) =>
        {
            string name = invocation.Value(vm);
            var migrate = new VmMigrate
            {
                To = invocation.Value(to)!,
                WithStorage = invocation.Value(withStorage),
                Pool = invocation.Value(pool),
                MaxBytesPerSecond = RateOptions.BytesPerSecond(rate, invocation),
                AllowPostCopy = invocation.Value(postCopy),
                TimeoutSeconds = invocation.Value(timeout) is { } text ? (int)SpanOptions.Parse(text).TotalSeconds : null,
                Offline = invocation.Value(offline),
            };
            if (invocation.Value(dryRun))
            {
                var forecast = await invocation.Client.Vms.ForecastMigrationAsync(name, migrate, cancellationToken);
                invocation.Printer.Show(forecast, ApiJson.Default.MigrationForecast, Fields);
                return forecast.Blockers.Count == 0 ? ExitCode.Done : ExitCode.Conflict;
            }

            var operation = await invocation.Client.Vms.MigrateAsync(name, migrate, cancellationToken);
            var ended = await OperationFollower.FollowAsync(invocation, operation, cancellationToken);
            return OperationFollower.Conclude(invocation, ended, $"{name} is on {migrate.To}{Figures(ended.State?.Result)}");
        });
    }

    /// <summary>Of a live one: what was sent in which time, and how long the guest stood still.</summary>
    private static string Figures(JsonObject? result)
    {
        if ((long?)result?["transferredBytes"] is not { } bytes) return "";
        string took = Times.Duration(TimeSpan.FromMilliseconds((long?)result["elapsedMs"] ?? 0));
        string pause = (long?)result["downtimeMs"] is { } downtime ? $", the guest stood still for {downtime} ms" : "";
        string postCopy = (long?)result["postCopyRequests"] is { } pages ? $", in post-copy it asked for {pages} pages" : "";
        return $": {Sizes.Format(bytes)} sent in {took}{pause}{postCopy}";
    }
}
