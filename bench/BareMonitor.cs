using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Bench;

/// <summary>QEMU's monitor as a script speaks it: one command after the other, over a socket with a name, with nothing in between.</summary>
/// <param name="process">QEMU, whose last words tell why it has ended.</param>
internal sealed class BareMonitor(ChildProcess process) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan OpenPause = TimeSpan.FromMilliseconds(2);

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly HashSet<string> _phases = [];
    private StreamReader _answers = StreamReader.Null;

    public async Task OpenAsync(string path)
    {
        var address = new UnixDomainSocketEndPoint(path);
        long begun = TimeProvider.System.GetTimestamp();
        while (!_socket.Connected)
        {
            try
            {
                await _socket.ConnectAsync(address);
            }
            catch (SocketException) when (TimeProvider.System.GetElapsedTime(begun) < Patience)
            {
                await Task.Delay(OpenPause);
            }
        }

        _answers = new StreamReader(new NetworkStream(_socket), Encoding.UTF8);
        await ExecuteAsync("qmp_capabilities");
    }

    /// <param name="command">Its name.</param>
    /// <param name="arguments">A JSON object.</param>
    public Task ExecuteAsync(string command, string arguments = "{}") => SendAsync($$"""{"execute":"{{command}}","arguments":{{arguments}}}""");

    /// <summary>A whole line, with a file if it wants one.</summary>
    public async Task SendAsync(string line, SafeFileHandle? file = null)
    {
        await FdPassing.SendAsync(_socket, Encoding.UTF8.GetBytes(line), file is null ? [] : [file], CancellationToken.None);
        await ReadUntilAsync(message => message.TryGetProperty("return", out _));
    }

    /// <summary>Waits for QEMU's event that its migration, which it was told to begin or to take just before, has come so far.</summary>
    public async Task MigrationAsync(string phase)
    {
        if (_phases.Remove(phase)) return;
        await ReadUntilAsync(message => _phases.Remove(phase));
    }

    public void Dispose()
    {
        _answers.Dispose();
        _socket.Dispose();
    }

    private async Task ReadUntilAsync(Func<JsonElement, bool> isIt)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (true)
        {
            string line = await _answers.ReadLineAsync(deadline.Token) ?? throw new InvalidOperationException($"QEMU has ended: {Encoding.UTF8.GetString(process.StandardError)}");
            using var message = JsonDocument.Parse(line);
            if (message.RootElement.TryGetProperty("error", out var error)) throw new InvalidOperationException($"QEMU: {error.GetRawText()}");
            if (PhaseOf(message.RootElement) is { } phase) Note(phase);
            if (isIt(message.RootElement)) return;
        }
    }

    private void Note(string phase)
    {
        if (phase == "failed") throw new InvalidOperationException("QEMU: the migration has failed");
        _phases.Add(phase);
    }

    private static string? PhaseOf(JsonElement message) =>
        message.TryGetProperty("event", out var name) && name.ValueEquals("MIGRATION") ? message.GetProperty("data").GetProperty("status").GetString() : null;
}
