using System.Text;
using System.Text.Json;
using Lamina.Engine.Agent;
using Lamina.Testing.Engine;

namespace Lamina.Tests.Unit.Engine.Agent;

/// <summary>The guest's end of the line, played by the test.</summary>
internal sealed class AgentPeer : IAsyncDisposable
{
    private readonly List<Task> _lines = [];
    private readonly List<DuplexStream> _streams = [];

    /// <summary>By command; <c>{"return": {}}</c> where none is set.</summary>
    public Dictionary<string, string> Answers { get; } = [];
    /// <summary>Sent before the answer to each synchronisation.</summary>
    public string Stale { get; init; } = "";
    /// <summary>Sent instead of anything sensible; then the line closes.</summary>
    public byte[]? Garbage { get; init; }
    public bool IsDeaf { get; set; }
    public int Connections { get; private set; }
    /// <summary>Command and arguments of each request, synchronisations left out.</summary>
    public List<string> Requests { get; } = [];

    /// <param name="time">Runs the deadline of 20 s.</param>
    public GuestAgent Client(TimeProvider? time = null) => new(_ => ValueTask.FromResult(Connect()), time ?? TimeProvider.System)
    {
        Deadline = TimeSpan.FromSeconds(20),
    };

    /// <summary>Called with the command of each request, before it is answered.</summary>
    public Action<string>? OnRequest { get; set; }

    /// <summary>Closes every line.</summary>
    public void HangUp()
    {
        foreach (var stream in _streams) stream.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var stream in _streams) await stream.DisposeAsync();
        await Task.WhenAll(_lines).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Stream Connect()
    {
        Connections++;
        var (near, far) = DuplexStream.Pair();
        _streams.Add(far);
        _lines.Add(ServeAsync(far));
        return near;
    }

    private async Task ServeAsync(DuplexStream far)
    {
        using var reader = new StreamReader(far, Encoding.Latin1);
        while (await reader.ReadLineAsync() is { } line)
        {
            if (IsDeaf) continue;
            if (Garbage != null)
            {
                await far.WriteAsync(Garbage);
                await far.DisposeAsync();
                return;
            }
            var message = JsonDocument.Parse(line.TrimStart('\u00ff')).RootElement;
            var command = message.GetProperty("execute").GetString()!;
            var arguments = message.GetProperty("arguments");
            if (command == "guest-sync-delimited")
            {
                await SendAsync(far, $"{Stale}\u00ff{{\"return\": {arguments.GetProperty("id").GetInt64()}}}\n");
                continue;
            }
            Requests.Add($"{command} {arguments.GetRawText()}");
            OnRequest?.Invoke(command);
            if (command != "guest-shutdown") await SendAsync(far, Answers.GetValueOrDefault(command, """{"return": {}}""") + "\n");
        }
    }

    private static async Task SendAsync(DuplexStream far, string text)
    {
        await far.WriteAsync(Encoding.Latin1.GetBytes(text));
        await far.FlushAsync();
    }
}
