using System.Globalization;
using System.Text;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Engine;
using Lamina.Engine.Agent;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Store;
using Lamina.Server.Vms.Rules;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms;

/// <summary>What is asked of a VM's process on its host: programs run by the agent, the log, the command line, what the serial line said.</summary>
internal sealed class VmInsightEndpoints(HostVms vms, IStore store, TimeProvider time)
{
    private const int DefaultTimeoutSeconds = 60;
    private const int LongestTimeoutSeconds = 3600;
    private const int MostInputBytes = 48 * 1024;
    private const int MostOutputBytes = 1024 * 1024;

    /// <summary>How far back the timeline is read for the lines of one VM.</summary>
    private const int EventsRead = 5000;
    private const int LogLines = 200;

    public void Map(ApiRoutes api)
    {
        api.Post("/v1/vms/{vm}/exec", Permission.Operate, "Runs a program in the guest, by its agent, and waits for its end", ExecAsync)
            .Takes(ApiJson.Default.VmExecRequest).Answers(ApiJson.Default.VmExecResult)
            .OnHost(VmViews.HostOf)
            .Problems("vm.notFound", "vm.notRunning", "vm.paused", "agent.unavailable", "agent.refused", "exec.timeout");
        Text(api, "log", "What happened to a VM, and what QEMU said", "text/plain; charset=utf-8", LogAsync);
        Text(api, "qemu-args", "The command line of a VM's QEMU, an argument a line", "text/plain; charset=utf-8", ArgumentsAsync);
        Text(api, "serial", "What a VM's serial line said until now, at most 1 MiB", "application/octet-stream", SerialAsync);
    }

    private static void Text(ApiRoutes api, string part, string summary, string mediaType, Func<ApiRequest, CachedRecord<VmSpec>, ValueTask<byte[]>> make) => api
        .Raw(HttpMethods.Get, $"/v1/vms/{{vm}}/{part}", Permission.View, summary, async request =>
        {
            byte[] content = await make(request, Find(request));
            request.Http.Response.ContentType = mediaType;
            request.Http.Response.ContentLength = content.Length;
            await request.Http.Response.Body.WriteAsync(content, request.Aborted);
        })
        .AnswersMedia(mediaType.Split(';')[0])
        .OnHost(VmViews.HostOf)
        .Problems("vm.notFound", "vm.notRunning");

    private async ValueTask<ApiAnswer> ExecAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.VmExecRequest);
        Check(body);
        var spec = Find(request);
        VmMoves.Require(VmVerb.Exec, spec.Record, request.Snapshot.Get(Keys.Vms.Status, spec.Id)?.Record);
        var vm = await RunningAsync(request, spec, "asked to run a program");

        // Who ran what in whose guest is worth knowing before it is done.
        var audited = await request.CommitAsync(new StoreChange("vm.exec"), ApiAnswer.NoContent(), VmViews.ReferenceTo(spec));
        var result = await RunAsync(vm, body, spec.Record.Name, request.Aborted);
        return ApiAnswer.Ok(result, ApiJson.Default.VmExecResult) with { Revision = audited.Revision };
    }

    private async Task<VmExecResult> RunAsync(IVm vm, VmExecRequest body, string name, CancellationToken aborted)
    {
        var patience = TimeSpan.FromSeconds(body.TimeoutSeconds ?? DefaultTimeoutSeconds);
        using var deadline = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, aborted);
        try
        {
            var command = new GuestCommand
            {
                Path = body.Command[0],
                Arguments = [.. body.Command.Skip(1)],
                Input = body.Input is { } input ? Encoding.UTF8.GetBytes(input) : null,
            };
            return ResultOf(await vm.Agent.ExecAsync(command, either.Token));
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            throw new ProblemException(ProblemKind.Unprocessable, "exec.timeout", $"'{body.Command[0]}' has not ended in VM '{name}' within {patience.TotalSeconds} s; it runs on there.", "Give it more time, or end it in the guest.");
        }
        catch (GuestAgentUnavailableException silent)
        {
            throw new ProblemException(ProblemKind.Conflict, "agent.unavailable", $"No guest agent answers in VM '{name}': {silent.Message}", "Wait until the guest has booted; its image needs qemu-guest-agent.", silent);
        }
        catch (GuestAgentErrorException refused)
        {
            throw new ProblemException(ProblemKind.Unprocessable, "agent.refused", $"The guest agent of VM '{name}' refused to run '{body.Command[0]}': {refused.Description}", "Check the path of the program; the agent looks in its own PATH.", refused);
        }
    }

    private static VmExecResult ResultOf(GuestCommandResult result)
    {
        bool isCut = result.Output.Length > MostOutputBytes || result.Error.Length > MostOutputBytes;
        return new VmExecResult
        {
            // As a shell says it of a program that a signal has ended.
            ExitCode = result.ExitCode ?? (128 + (result.Signal ?? 0)),
            Signal = result.Signal,
            Output = Encoding.UTF8.GetString(result.Output.AsSpan(0, Math.Min(result.Output.Length, MostOutputBytes))),
            Error = Encoding.UTF8.GetString(result.Error.AsSpan(0, Math.Min(result.Error.Length, MostOutputBytes))),
            Truncated = isCut || result.OutputTruncated || result.ErrorTruncated,
        };
    }

    private static void Check(VmExecRequest body)
    {
        var problems = new InputProblems();
        if (body.Command.Count == 0 || body.Command[0].Length == 0) problems.Add("$.command", "exec.command", "Name the program to run, then its arguments.");
        if (body.TimeoutSeconds is < 1 or > LongestTimeoutSeconds) problems.Add("$.timeoutSeconds", "value.outOfRange", $"Write 1 to {LongestTimeoutSeconds} seconds.");
        if (body.Input is { } input && Encoding.UTF8.GetByteCount(input) > MostInputBytes) problems.Add("$.input", "exec.input", $"Standard input has at most {MostInputBytes} bytes.");
        problems.ThrowIfAny();
    }

    /// <summary>The timeline's lines of this VM, then QEMU's own words, oldest first.</summary>
    private async ValueTask<byte[]> LogAsync(ApiRequest request, CachedRecord<VmSpec> spec)
    {
        var lines = new List<string>();
        var options = new StoreListOptions { Descending = true, Limit = EventsRead };
        await foreach (var page in store.ListAsync([Keys.Events.Prefix], options, request.Aborted))
        {
            foreach (var item in page.Items)
            {
                var happened = RecordJson.Read(item, Keys.Events);
                if (happened.Target is { Kind: "vm" } target && target.Id == spec.Id && lines.Count < LogLines) lines.Add(LineOf(happened));
            }
        }

        lines.Reverse();
        string words = vms.TryGetRunning(spec.Id)?.StderrTail.Trim() ?? "";
        if (words.Length > 0) lines.Add($"QEMU says:\n{words}");
        if (request.Snapshot.Get(Keys.Vms.Status, spec.Id)?.Record.Failure is { } failure) lines.Add($"{failure.Code}: {failure.Message} {failure.Remedy}".TrimEnd());
        return Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));
    }

    private static string LineOf(Event happened) =>
        string.Create(CultureInfo.InvariantCulture, $"{happened.Time:yyyy-MM-dd'T'HH:mm:ss'Z'} {happened.Kind,-16} {happened.Message}");

    private async ValueTask<byte[]> ArgumentsAsync(ApiRequest request, CachedRecord<VmSpec> spec)
    {
        var vm = await RunningAsync(request, spec, "shown by its command line");
        return Encoding.UTF8.GetBytes(string.Concat(vm.Record.Arguments.Select(argument => argument + "\n")));
    }

    private async ValueTask<byte[]> SerialAsync(ApiRequest request, CachedRecord<VmSpec> spec) =>
        (await RunningAsync(request, spec, "read")).Serial.History();

    private async Task<IVm> RunningAsync(ApiRequest request, CachedRecord<VmSpec> spec, string participle)
    {
        if (await vms.FindRunningAsync(spec.Id, request.Aborted) is { } vm) return vm;
        var failure = VmFailures.NotRunning(spec.Record.Name, participle);
        throw ProblemException.Conflict(failure.Code, failure.Message, failure.Remedy);
    }

    private static CachedRecord<VmSpec> Find(ApiRequest request) => request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
}
