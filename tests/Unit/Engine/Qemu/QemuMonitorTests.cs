using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Lamina.Engine.Qemu;
using Lamina.Engine.Qmp;

namespace Lamina.Tests.Unit.Engine.Qemu;

/// <summary>The monitor's line breaks, QEMU falls silent, speaks nonsense, comes back: over a real socket, with a played QEMU.</summary>
public sealed class QemuMonitorTests : IAsyncDisposable
{
    private readonly RuntimeFolder _folder = new(Directory.CreateTempSubdirectory("lamina-m-").FullName);
    private readonly Channel<string> _heard = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource _exited = new();
    private readonly CancellationTokenSource _detached = new();
    private readonly Socket _listening;
    private QemuMonitor _monitor = null!;
    private Task _running = Task.CompletedTask;

    public QemuMonitorTests() => _listening = _folder.Listen("qmp");

    /// <summary>Where nothing is said of silence, none is long enough: the machine may be busy.</summary>
    private void Run(TimeSpan? silenceLimit = null)
    {
        var options = new QemuEngineOptions
        {
            CacheFolder = "", PingInterval = TimeSpan.FromMilliseconds(10), SilenceLimit = silenceLimit ?? TimeSpan.FromHours(1),
            ReconnectDelay = TimeSpan.FromMilliseconds(10),
        };
        _monitor = new QemuMonitor(_folder, options, TimeProvider.System, happened => _heard.Writer.TryWrite(happened.Name),
            trouble => _heard.Writer.TryWrite(trouble == null ? "restored" : $"lost: {trouble}"));
        _running = _monitor.RunAsync(first: null, _exited.Task, _detached.Token);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _detached.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listening.Dispose();
        _detached.Dispose();
        _folder.Delete();
    }

    [Fact]
    public async Task A_broken_line_is_told_and_made_anew()
    {
        Run();
        using (var first = await AcceptAsync())
        {
            await first.SendAsync("""{"event": "STOP"}""");
            Assert.Equal("STOP", await _heard.Reader.ReadAsync(Token));
            Assert.True(_monitor.Answers);
        }
        Assert.Equal("lost: QEMU closed the monitor.", await _heard.Reader.ReadAsync(Token));
        Assert.False(_monitor.Answers);
        await Assert.ThrowsAsync<QmpClosedException>(() => _monitor.ExecuteAsync(QmpCommands.QueryStatus, QmpNothing.Instance, Token));
        using var second = await AcceptAsync();
        Assert.Equal("restored", await _heard.Reader.ReadAsync(Token));
        await second.SendAsync("""{"event": "RESUME"}""");
        Assert.Equal("RESUME", await _heard.Reader.ReadAsync(Token));
    }

    [Fact]
    public async Task Silence_is_told_once_and_an_answer_ends_it()
    {
        Run(TimeSpan.FromMilliseconds(100));
        using var qemu = await AcceptAsync(answers: false);
        Assert.Equal("lost: QEMU has not answered for 0.1 s.", await _heard.Reader.ReadAsync(Token));
        await _monitor.Settled.WaitAsync(Token);
        qemu.Answers = true;
        await qemu.AnswerPendingAsync();
        Assert.Equal("restored", await _heard.Reader.ReadAsync(Token));
    }

    [Fact]
    public async Task Nonsense_ends_the_line_and_a_new_one_is_made()
    {
        Run();
        using (var first = await AcceptAsync())
        {
            await _monitor.Settled.WaitAsync(Token);
            await first.SendAsync("""{"what": 1}""");
            Assert.Equal("lost: A message is neither answer, event nor greeting.", await _heard.Reader.ReadAsync(Token));
        }
        using var second = await AcceptAsync();
        Assert.Equal("restored", await _heard.Reader.ReadAsync(Token));
    }

    [Fact]
    public async Task The_end_of_the_process_is_no_loss()
    {
        Run();
        using (await AcceptAsync())
        {
            await _monitor.Settled.WaitAsync(Token);
            _exited.SetResult();
        }
        await _running.WaitAsync(Token);
        Assert.False(_heard.Reader.TryRead(out _));
    }

    private async Task<PlayedQemu> AcceptAsync(bool answers = true)
    {
        var qemu = new PlayedQemu(new NetworkStream(await _listening.AcceptAsync(Token), ownsSocket: true)) { Answers = answers };
        await qemu.SendAsync("""{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}}""");
        qemu.Start();
        return qemu;
    }

    private sealed class PlayedQemu(Stream line) : IDisposable
    {
        private readonly Lock _lock = new();
        private readonly List<(string Command, long Id)> _pending = [];

        public bool Answers { get; set; }

        public void Start() => _ = ServeAsync();

        public async Task SendAsync(string message) => await line.WriteAsync(Encoding.UTF8.GetBytes(message + "\r\n"));

        public async Task AnswerPendingAsync()
        {
            (string Command, long Id)[] pending;
            lock (_lock)
            {
                pending = [.. _pending];
                _pending.Clear();
            }
            foreach (var (command, id) in pending) await AnswerAsync(command, id);
        }

        public void Dispose() => line.Dispose();

        private async Task ServeAsync()
        {
            using var reader = new StreamReader(line, leaveOpen: true);
            try
            {
                while (await reader.ReadLineAsync() is { } text)
                {
                    var message = JsonDocument.Parse(text).RootElement;
                    lock (_lock) _pending.Add((message.GetProperty("execute").GetString()!, message.GetProperty("id").GetInt64()));
                    if (Answers) await AnswerPendingAsync();
                }
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                // The test or the client hung up.
            }
        }

        private Task AnswerAsync(string command, long id) => SendAsync(command == "query-status"
            ? $$"""{"return": {"running": true, "status": "running"}, "id": {{id}}}"""
            : $$"""{"return": {}, "id": {{id}}}""");
    }
}
