using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// Lets the guests of this host power off before the host does: in the reverse order of autostart, those without one first. They count as ended by
/// the host, so that autostart brings them back.
/// </summary>
internal sealed class GuestsShutdown(VmHost host, HostVms vms, OperationRequests operations)
{
    public const string Kind = "host.shutdownGuests";

    private const int DefaultTimeoutSeconds = 120;
    private const int LongestTimeoutSeconds = 3600;
    private const string TimeoutParameter = "timeoutSeconds";
    private const string ForceParameter = "forceAfter";

    /// <summary>How long a killed QEMU may take to be recorded as stopped.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(30);

    public void Map(ApiRoutes api) => api
        .Post("/v1/hosts/{host}/shutdown-guests", Permission.Administer, "Lets all guests of a host power off, before the host does", BeginAsync)
        .InstallationWide().Takes(ApiJson.Default.GuestsShutdownRequest, optional: true).Begins().Problems("host.notFound");

    public void Register(OperationExecutor executor) => executor.Register(Kind, RunAsync, cancellable: true);

    /// <summary>Which guests go in which turn (pure): the later a VM is started, the earlier it ends.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Turns(CacheSnapshot snapshot, IReadOnlyList<string> running) =>
    [
        .. running
            .Where(id => snapshot.Get(Keys.Vms.Spec, id) is not null)
            .GroupBy(id => snapshot.Get(Keys.Vms.Spec, id)!.Record.Autostart is { Enabled: true } autostart ? autostart.Order : int.MaxValue)
            .OrderByDescending(turn => turn.Key)
            .Select(turn => (IReadOnlyList<string>)[.. turn.Order(StringComparer.Ordinal)]),
    ];

    /// <summary>Which guests still run (pure): a runner lets go of its process a moment after the record says that it has ended.</summary>
    public static IReadOnlyList<string> Left(CacheSnapshot snapshot, IReadOnlyList<string> running) => [.. running.Where(id => !AreStopped([id], snapshot))];

    private async ValueTask<ApiAnswer> BeginAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.GuestsShutdownRequest);
        if (body.TimeoutSeconds is < 1 or > LongestTimeoutSeconds)
            throw new InputException([new InputProblem { Path = "$.timeoutSeconds", Code = "value.outOfRange", Message = $"Write 1 to {LongestTimeoutSeconds} seconds." }]);
        var spec = request.Snapshot.FindInstalled(Keys.Hosts.Spec, "host", request.Route("host"));
        var target = new ObjectReference { Kind = "host", Id = spec.Id, Name = spec.Record.Name };
        var change = new StoreChange(Kind);
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = Kind,
            Target = target,
            RequestedBy = request.Caller.Subject,
            Host = spec.Id,
            Parameters = new JsonObject { [TimeoutParameter] = body.TimeoutSeconds ?? DefaultTimeoutSeconds, [ForceParameter] = body.ForceAfter },
        });
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private async Task RunAsync(OperationRun run, CancellationToken cancellationToken)
    {
        var timeout = TimeSpan.FromSeconds((int?)run.Request.Parameters?[TimeoutParameter] ?? DefaultTimeoutSeconds);
        var stop = new HostStop(timeout, (bool?)run.Request.Parameters?[ForceParameter] ?? false);
        await vms.Taken.WaitAsync(cancellationToken);
        vms.BeginHostStop();
        foreach (var turn in Turns(host.Cache.Snapshot, vms.RunningIds))
        {
            run.Report(null, $"asking {string.Join(", ", turn.Select(NameOf))} to power off");
            vms.StopWithHost(turn, stop);
            await StoppedAsync(turn, stop.Timeout + EndPatience, cancellationToken);
        }

        if (Left(host.Cache.Snapshot, vms.RunningIds) is not { Count: > 0 } left) return;
        throw new ProblemException(
            ProblemKind.Conflict, "host.guestsRunning", $"These guests have not powered off: {string.Join(", ", left.Select(NameOf))}.",
            "Look at their consoles, or cut their power: laminad shutdown-guests --force.");
    }

    /// <summary>Ends when all of these are stopped, or when the time is over.</summary>
    private async Task StoppedAsync(IReadOnlyList<string> ids, TimeSpan patience, CancellationToken cancellationToken)
    {
        using var subscription = host.Cache.Subscribe(Keys.Vms.Status);
        using var deadline = new CancellationTokenSource(patience, host.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        if (AreStopped(ids, subscription.Start)) return;
        try
        {
            await foreach (var batch in subscription.ReadAllAsync(either.Token))
            {
                if (AreStopped(ids, batch.Snapshot)) return;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Who has not stopped by now is named at the end.
        }
    }

    private static bool AreStopped(IReadOnlyList<string> ids, CacheSnapshot snapshot) =>
        ids.All(id => snapshot.Get(Keys.Vms.Status, id)?.Record.State is null or VmState.Stopped or VmState.Suspended);

    private string NameOf(string id) => host.Cache.Snapshot.Get(Keys.Vms.Spec, id)?.Record.Name ?? id;
}
