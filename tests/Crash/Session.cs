using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;
using Lamina.Api.Client;

namespace Lamina.Tests.Crash;

/// <summary>
/// A client that lives longer than a daemon: what it has sent and not seen answered it sends again under the same Idempotency-Key, and it remembers
/// what was accepted.
/// </summary>
internal sealed class Session(World world) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, string> _accepted = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _begun = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _sent = new(StringComparer.Ordinal);
    private readonly HashSet<string> _done = new(StringComparer.Ordinal);
    private readonly List<Action> _whenStopped = [];
    private readonly Dictionary<string, int> _attempts = new(StringComparer.Ordinal);
    private CrashingDaemon _daemon = null!;
    private LaminaClient? _client;

    public World World => world;

    /// <summary>Operations that were answered with 202, and what each was asked for.</summary>
    public IReadOnlyDictionary<string, string> Accepted => _accepted;

    public LaminaClient Client => _client!;

    public CrashingDaemon Daemon => _daemon;

    /// <summary>Fires when the daemon is gone.</summary>
    public CancellationToken Gone => _daemon.Ended;

    public void Connect(CrashingDaemon daemon)
    {
        _client?.Dispose();
        _daemon = daemon;
        _client = new LaminaClient(new LaminaClientOptions { SocketPath = world.Instance.LocalSocket, RequestTimeout = TimeSpan.FromSeconds(30) });
    }

    /// <summary>Asks until it is done: an operation that the daemon's death interrupted is asked for anew, as its remedy says.</summary>
    /// <param name="label">Tells this request from others of its path; the same label is the same request, however often it is sent.</param>
    /// <param name="path">Of the POST.</param>
    /// <param name="body">Of the POST.</param>
    /// <param name="type">Of the body.</param>
    /// <returns>Id of the operation.</returns>
    public async Task<string> DoAsync<T>(string label, string path, T body, JsonTypeInfo<T> type)
    {
        var ended = await AskAsync(label, path, body, type);
        if (ended.State!.Phase != OperationPhase.Succeeded) throw new InvalidOperationException($"{label} ended with {ended.State} {ended.State.Failure}");
        return ended.Id;
    }

    /// <summary>The same for what must fail. Gives the failure's code.</summary>
    public async Task<string?> FailAsync<T>(string label, string path, T body, JsonTypeInfo<T> type) =>
        (await AskAsync(label, path, body, type)).State!.Failure?.Code;

    public Task<string?> FailAsync(string label, string path) => FailAsync(label, path, [], ApiJson.Default.JsonObject);

    /// <summary>The same for a change that may be asked for as often as one wishes.</summary>
    public async Task ChangeAsync(string label, Func<Task<Operation>> ask)
    {
        var ended = await EndOfAsync(await ask(), label);
        if (IsForCrash(ended.State!.Failure)) ended = await EndOfAsync(await ask(), label);
        if (ended.State!.Phase != OperationPhase.Succeeded) throw new InvalidOperationException($"{label} ended with {ended.State} {ended.State.Failure}");
    }

    /// <summary>What happens to the machine and not through the API: done once, however often its step is.</summary>
    public async Task OnceAsync(string label, Func<Task> act)
    {
        if (_done.Add(label)) await act();
    }

    /// <summary>Done when the daemon has been stopped and before it is started again.</summary>
    public void WhenStopped(Action act) => _whenStopped.Add(act);

    public void HaveStopped()
    {
        foreach (var act in _whenStopped) act();
        _whenStopped.Clear();
    }

    public Task WaitForVmAsync(string name, Func<Vm, bool> wanted) =>
        WaitAsync($"VM {name}", async () => wanted((await Client.Vms.GetAsync(name, Gone)).Value));

    public async Task WaitAsync(string what, Func<Task<bool>> isSo)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await isSo())
        {
            if (patience.IsCancellationRequested) throw new TimeoutException($"Waited {Patience.TotalSeconds} s in vain for {what}.");
            await Task.Delay(20, Gone);
        }
    }

    /// <summary>Asks for an end that may have come already.</summary>
    public async Task DeleteAsync(string path)
    {
        while (true)
        {
            try
            {
                var begun = await Client.Connection.DeleteAsync(path, ApiJson.Default.Operation, Gone);
                var ended = await EndOfAsync(begun, $"DELETE {path}");
                if (ended.State!.Phase != OperationPhase.Succeeded) throw new InvalidOperationException($"DELETE {path} ended with {ended.State}");
                return;
            }
            catch (LaminaException gone) when (gone.Problem.Status == 404)
            {
                return;
            }
            catch (LaminaException begun) when (begun.Problem.Code.EndsWith(".deleting", StringComparison.Ordinal))
            {
                await Task.Delay(20, Gone);
            }
        }
    }

    /// <summary>Sends a file; what the daemon has already is not sent again.</summary>
    public async Task<string> UploadAsync(string label, string file)
    {
        if (_sent.TryGetValue(label, out string? sent)) return sent;
        await using var source = File.OpenRead(file);
        if (!_begun.TryGetValue(label, out string? id)) _begun[label] = id = (await Client.Uploads.CreateAsync(new UploadCreate { SizeBytes = source.Length }, Gone)).Id;
        await Client.Uploads.ResumeAsync(id, source, null, Gone);
        return _sent[label] = id;
    }

    public async Task<bool> ExistsAsync(string path)
    {
        try
        {
            await Client.Connection.GetTextAsync(path, Gone);
            return true;
        }
        catch (LaminaException missing) when (missing.Problem.Status == 404)
        {
            return false;
        }
    }

    public void Dispose() => _client?.Dispose();

    private async Task<Operation> AskAsync<T>(string label, string path, T body, JsonTypeInfo<T> type)
    {
        while (true)
        {
            int attempt = _attempts.GetValueOrDefault(label);
            var request = new ApiRequest(HttpMethod.Post, path)
            {
                IdempotencyKey = $"{label}:{attempt}",
                Content = () => new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type)) { Headers = { ContentType = new("application/json") } },
            };
            var ended = await EndOfAsync(await Client.Connection.SendAsync(request, ApiJson.Default.Operation, Gone), label);
            if (!IsForCrash(ended.State!.Failure) || attempt > 1) return ended;
            _attempts[label] = attempt + 1;
        }
    }

    private async Task<Operation> EndOfAsync(Operation begun, string what)
    {
        _accepted[begun.Id] = what;
        return await Client.Operations.WaitAsync(begun.Id, null, Gone);
    }

    private static bool IsForCrash(Failure? failure) => failure?.Code is "operation.interrupted" or "operation.outcomeUnknown";
}
