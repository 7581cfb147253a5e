using System.Collections.Concurrent;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Vms;

namespace Lamina.Server.Consoles;

/// <summary>A VM's screen and keyboard without a console: a picture of the one, and keys pressed on the other.</summary>
/// <param name="running">The VM that runs under an id on this host; null: none does.</param>
/// <param name="time">Paces the keys.</param>
internal sealed class ScreenEndpoints(Func<string, IVm?> running, TimeProvider time)
{
    private const int MostCharacters = 1000;
    private const int MostChords = 100;
    private const int HoldMilliseconds = 20;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(2 * HoldMilliseconds);
    private static readonly TimeSpan PicturePatience = TimeSpan.FromSeconds(10);

    /// <summary>VMs at whose keyboard somebody sits: two would type into each other's words.</summary>
    private readonly ConcurrentDictionary<string, bool> _typing = new(StringComparer.Ordinal);

    /// <summary>VMs of which a picture is being taken: each costs QEMU time that its guest has not.</summary>
    private readonly ConcurrentDictionary<string, bool> _pictured = new(StringComparer.Ordinal);

    public void Map(ApiRoutes api)
    {
        api.Raw(HttpMethods.Get, "/v1/vms/{vm}/screenshot", Permission.Operate, "A picture of a VM's screen", PictureAsync)
            .AnswersMedia("image/png").OnHost(VmViews.HostOf).Problems("vm.notFound", "vm.notRunning", "vm.noScreen", "vm.unresponsive", "screenshot.busy");
        api.Post("/v1/vms/{vm}/keys", Permission.Operate, "Presses keys on a VM's keyboard, and answers when all are pressed", TypeAsync)
            .Takes(ApiJson.Default.VmKeysRequest).AnswersNothing().OnHost(VmViews.HostOf).Problems("vm.notFound", "vm.notRunning", "vm.unresponsive", "keys.busy");
    }

    private async Task PictureAsync(ApiRequest request)
    {
        var (spec, vm) = Find(request);
        using var turn = Take(_pictured, spec.Id, "screenshot.busy", $"A picture of '{spec.Record.Name}' is being taken already.");
        byte[] picture = await AskAsync(spec.Record.Name, PicturePatience, vm.CaptureScreenAsync, request.Aborted);
        request.Http.Response.ContentType = "image/png";
        request.Http.Response.ContentLength = picture.Length;
        request.Http.Response.Headers.CacheControl = "no-store";
        await request.Http.Response.Body.WriteAsync(picture, request.Aborted);
    }

    private async ValueTask<ApiAnswer> TypeAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.VmKeysRequest);
        var chords = ChordsOf(body);
        var (spec, vm) = Find(request);
        using var turn = Take(_typing, spec.Id, "keys.busy", $"Somebody else is typing at '{spec.Record.Name}'.");
        // Who typed at whose keyboard is worth knowing; what was typed may be a password.
        var audited = await request.CommitAsync(new StoreChange("vm.keys"), ApiAnswer.NoContent(), new ObjectReference { Kind = "vm", Id = spec.Id, Name = spec.Record.Name });
        foreach (var chord in chords)
        {
            var press = new SendKeyArguments { Keys = [.. chord.Select(code => new QmpKey { Data = code })], HoldTime = HoldMilliseconds };
            await AskAsync(spec.Record.Name, PicturePatience, token => vm.ExecuteAsync(QmpCommands.SendKey, press, token), request.Aborted);
            // A keyboard's buffer holds few keys, and a guest that is slow to read it loses the rest.
            await Task.Delay(Pace, time, request.Aborted);
        }

        return audited;
    }

    private static IReadOnlyList<IReadOnlyList<string>> ChordsOf(VmKeysRequest body)
    {
        var problems = new InputProblems();
        IReadOnlyList<IReadOnlyList<string>> chords = [];
        if (body is { Keys: not null, Text: not null } or { Keys: null, Text: null }) problems.Add("$", "keys.either", "Write either keys or text.");
        else if (body.Keys is { } keys && keys.Count is 0 or > MostChords) problems.Add("$.keys", "value.outOfRange", $"Write 1 to {MostChords} chords.");
        else if (body.Keys is { } named) chords = KeyChords.ParseAll(named, "$.keys", problems);
        else if (body.Text!.Length is 0 or > MostCharacters) problems.Add("$.text", "value.outOfRange", $"Write 1 to {MostCharacters} characters; for more, copy a file: lamina vm file push.");
        else chords = KeyboardLayouts.Chords(body.Text, body.Layout, problems);
        problems.ThrowIfAny();
        return chords;
    }

    private async Task<T> AskAsync<T>(string name, TimeSpan patience, Func<CancellationToken, Task<T>> question, CancellationToken aborted)
    {
        using var deadline = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, aborted);
        try
        {
            return await question(either.Token);
        }
        catch (QmpErrorException refused)
        {
            throw new ProblemException(ProblemKind.Unprocessable, "vm.noScreen", $"QEMU of '{name}' refused: {refused.Message}", "A VM without a video card has neither screen nor keyboard: use its serial console.", refused);
        }
        catch (Exception silent) when (silent is QmpClosedException or QmpProtocolException || (silent is OperationCanceledException && !aborted.IsCancellationRequested))
        {
            throw new ProblemException(ProblemKind.Unavailable, "vm.unresponsive", $"QEMU of '{name}' does not answer.", $"Wait until it answers again, or cut its power: lamina vm stop {name} --force.", silent);
        }
    }

    private (CachedRecord<VmSpec> Spec, IVm Vm) Find(ApiRequest request)
    {
        var spec = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        return (spec, running(spec.Id) ?? throw ProblemException.Conflict(
            "vm.notRunning", $"'{spec.Record.Name}' does not run, so it has neither screen nor keyboard.", $"Start it with 'lamina vm start {spec.Record.Name}'."));
    }

    private static Turn Take(ConcurrentDictionary<string, bool> taken, string id, string code, string message) =>
        taken.TryAdd(id, true) ? new Turn(taken, id) : throw ProblemException.Conflict(code, message, "Try again in a moment.");

    private sealed record Turn(ConcurrentDictionary<string, bool> Taken, string Id) : IDisposable
    {
        public void Dispose() => Taken.TryRemove(Id, out _);
    }
}
