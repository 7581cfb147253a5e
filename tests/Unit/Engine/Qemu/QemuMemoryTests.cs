using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Lamina.Engine.Qemu;
using Lamina.Engine.Qmp;

namespace Lamina.Tests.Unit.Engine.Qemu;

/// <summary>A guest's memory on its way into a file, with a played QEMU.</summary>
public sealed class QemuMemoryTests : IAsyncDisposable
{
    private readonly RuntimeFolder _folder = new(Directory.CreateTempSubdirectory("lamina-m-").FullName);
    private readonly EventWaiters _waiters = new();
    private readonly CancellationTokenSource _detached = new();
    private readonly Socket _listening;
    private readonly QemuMonitor _monitor;
    private readonly Task _running;

    /// <summary>What is answered to <c>query-status</c>, one after the other; the last one from then on.</summary>
    private readonly Queue<string> _states = new();

    public QemuMemoryTests()
    {
        var options = new QemuEngineOptions { CacheFolder = "", PingInterval = TimeSpan.FromMinutes(10) };
        _listening = _folder.Listen("qmp");
        _monitor = new QemuMonitor(_folder, options, TimeProvider.System, _waiters.Receive, _ => { });
        _running = _monitor.RunAsync(first: null, new TaskCompletionSource().Task, _detached.Token);
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
    public async Task It_is_saved_when_the_guest_may_go_on()
    {
        foreach (string state in (string[])["finish-migrate", "finish-migrate", "postmigrate"]) _states.Enqueue(state);
        await SaveAsync("completed");
        Assert.Equal(["postmigrate"], _states);
    }

    [Fact]
    public async Task What_failed_is_told()
    {
        _states.Enqueue("running");
        var failure = await Assert.ThrowsAsync<QmpErrorException>(() => SaveAsync("failed"));
        Assert.Contains("no room", failure.Message, StringComparison.Ordinal);
    }

    private async Task SaveAsync(string outcome)
    {
        using var line = new NetworkStream(await _listening.AcceptAsync(Token), ownsSocket: true);
        await SendAsync(line, """{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": ""}, "capabilities": ["oob"]}}""");
        _ = ServeAsync(line, outcome);
        await _monitor.Settled.WaitAsync(Token);
        string path = Path.GetTempFileName();
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
            await new QemuMemory(_monitor, _waiters, TimeProvider.System).SaveAsync(file, _ => { }, Token);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private async Task ServeAsync(Stream line, string outcome)
    {
        using var reader = new StreamReader(line, leaveOpen: true);
        try
        {
            while (await reader.ReadLineAsync(Token) is { } text)
            {
                var message = JsonDocument.Parse(text).RootElement;
                string command = message.GetProperty("execute").GetString()!;
                string answer = command switch
                {
                    "query-status" => $$"""{"running": false, "status": "{{(_states.Count > 1 ? _states.Dequeue() : _states.Peek())}}"}""",
                    "query-migrate" => $$"""{"status": "{{outcome}}", "error-desc": "no room"}""",
                    _ => "{}",
                };
                await SendAsync(line, $$"""{"return": {{answer}}, "id": {{message.GetProperty("id").GetInt64()}}}""");
                if (command == "migrate") await SendAsync(line, $$$"""{"event": "MIGRATION", "data": {"status": "{{{outcome}}}"}}""");
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The test hung up.
        }
    }

    private static async Task SendAsync(Stream line, string message) => await line.WriteAsync(Encoding.UTF8.GetBytes(message + "\r\n"), Token);
}
