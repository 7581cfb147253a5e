using System.Text;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Engine;
using Lamina.Engine.Agent;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Vms.Rules;
using Lamina.Server.Vms.Run;
using Microsoft.AspNetCore.Http.Features;

namespace Lamina.Server.Vms;

/// <summary><c>/v1/vms/{vm}/file</c>: files copied into and out of a guest, by its agent, as streams.</summary>
internal sealed class VmFileEndpoints(HostVms vms, TimeProvider time)
{
    /// <summary>A guest can make up a file without end.</summary>
    private const long MostBytes = 64L << 30;
    private const int MostPathBytes = 4096;
    private const int MostOwnerCharacters = 65;
    private static readonly TimeSpan ToolPatience = TimeSpan.FromSeconds(30);

    public void Map(ApiRoutes api)
    {
        api.Raw(HttpMethods.Put, "/v1/vms/{vm}/file", Permission.Operate, "Copies the body into a file of the guest, by its agent", PushAsync)
            .Query("path", "Absolute, in the guest; the file is made, or written anew.")
            .Query("mode", "Of the file, in octal: 644. A guest with chmod only.")
            .Query("owner", "Of the file: user, or user:group. A guest with chown only.")
            .TakesBytes().AnswersNothing().OnHost(VmViews.HostOf).Problems("vm.notFound", "vm.notRunning", "vm.paused", "agent.unavailable", "agent.refused");
        api.Raw(HttpMethods.Get, "/v1/vms/{vm}/file", Permission.Operate, "Gives a file of the guest, by its agent; an answer that breaks off is incomplete", PullAsync)
            .Query("path", "Absolute, in the guest.")
            .AnswersMedia("application/octet-stream").OnHost(VmViews.HostOf).Problems("vm.notFound", "vm.notRunning", "vm.paused", "agent.unavailable", "agent.refused");
    }

    private async Task PushAsync(ApiRequest request)
    {
        var problems = new InputProblems();
        string path = PathOf(request, problems);
        string? mode = ModeOf(request, problems);
        string? owner = OwnerOf(request, problems);
        problems.ThrowIfAny();
        var (spec, vm) = await FindAsync(request);
        if (request.Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = MostBytes;
        var audited = await request.CommitAsync(new StoreChange("vm.filePush"), ApiAnswer.NoContent(), VmViews.ReferenceTo(spec));
        try
        {
            await GuestFiles.PushAsync(vm.Agent, path, request.Http.Request.Body, request.Aborted);
            if (owner is not null) await RunAsync(vm, "chown", ["--", owner, path], request.Aborted);
            if (mode is not null) await RunAsync(vm, "chmod", ["--", mode, path], request.Aborted);
        }
        catch (Exception failure) when (Explain(failure, spec.Record.Name, path) is { } problem)
        {
            throw problem;
        }

        await request.WriteAsync(audited);
    }

    private async Task PullAsync(ApiRequest request)
    {
        var problems = new InputProblems();
        string path = PathOf(request, problems);
        problems.ThrowIfAny();
        var (spec, vm) = await FindAsync(request);
        var audited = await request.CommitAsync(new StoreChange("vm.filePull"), ApiAnswer.NoContent(), VmViews.ReferenceTo(spec));
        var response = request.Http.Response;
        try
        {
            await GuestFiles.PullAsync(vm.Agent, path, MostBytes, Begin, response.Body, request.Aborted);
        }
        catch (Exception failure) when (!response.HasStarted && Explain(failure, spec.Record.Name, path) is { } problem)
        {
            throw problem;
        }
        catch (Exception failure) when (response.HasStarted && failure is GuestAgentUnavailableException or GuestAgentErrorException)
        {
            // What has gone cannot be taken back: the broken line says that it is not the whole file.
            request.Http.Abort();
        }

        void Begin()
        {
            response.ContentType = "application/octet-stream";
            response.Headers.CacheControl = "no-store";
            if (audited.Revision is { } revision) response.Headers[ApiHeaders.Revision] = request.RevisionText(revision);
        }
    }

    private async Task RunAsync(IVm vm, string program, IReadOnlyList<string> arguments, CancellationToken aborted)
    {
        using var deadline = new CancellationTokenSource(ToolPatience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, aborted);
        var result = await vm.Agent.ExecAsync(new GuestCommand { Path = program, Arguments = arguments }, either.Token);
        if (result.ExitCode != 0) throw new GuestAgentErrorException(program, "GenericError", Encoding.UTF8.GetString(result.Error).Trim());
    }

    private static ProblemException? Explain(Exception failure, string name, string path) => failure switch
    {
        GuestAgentUnavailableException => new ProblemException(
            ProblemKind.Conflict, "agent.unavailable", $"No guest agent of use answers in VM '{name}': {failure.Message}", "Wait until the guest has booted; its image needs qemu-guest-agent.", failure),
        GuestAgentErrorException refused => new ProblemException(
            ProblemKind.Unprocessable, "agent.refused", $"The guest agent of VM '{name}' refused '{Suggestions.Shorten(path)}': {refused.Description}", "Check the path, the guest's free space, and that its agent may do this.", failure),
        _ => null,
    };

    private async Task<(CachedRecord<VmSpec> Spec, IVm Vm)> FindAsync(ApiRequest request)
    {
        var spec = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        VmMoves.Require(VmVerb.Exec, spec.Record, request.Snapshot.Get(Keys.Vms.Status, spec.Id)?.Record);
        if (await vms.FindRunningAsync(spec.Id, request.Aborted) is { } vm) return (spec, vm);
        var failure = VmFailures.NotRunning(spec.Record.Name, "asked for files");
        throw ProblemException.Conflict(failure.Code, failure.Message, failure.Remedy);
    }

    // A Windows guest's path begins with a drive.
    private static string PathOf(ApiRequest request, InputProblems problems)
    {
        string path = request.Query("path") ?? "";
        bool absolute = path.StartsWith('/') || (path.Length > 2 && char.IsAsciiLetter(path[0]) && path[1] == ':' && path[2] is '\\' or '/');
        if (!absolute || path.Contains('\0', StringComparison.Ordinal) || Encoding.UTF8.GetByteCount(path) > MostPathBytes)
            problems.Add("?path", "file.path", $"Write an absolute path in the guest, of at most {MostPathBytes} bytes.");
        return path;
    }

    private static string? ModeOf(ApiRequest request, InputProblems problems)
    {
        if (request.Query("mode") is not { } mode) return null;
        if (mode.Length is < 3 or > 5 || !mode.All(digit => digit is >= '0' and <= '7'))
            problems.Add("?mode", "file.mode", "Write the mode as three or four octal digits, such as 644.");
        return mode;
    }

    private static string? OwnerOf(ApiRequest request, InputProblems problems)
    {
        if (request.Query("owner") is not { } owner) return null;
        bool plain = owner.Length <= MostOwnerCharacters && owner[0] != '-' && owner.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.' or ':');
        if (!plain) problems.Add("?owner", "file.owner", "Write a user, or user:group, by name or number.");
        return owner;
    }
}
