using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lamina.Engine.Qmp;
using Lamina.Linux.Files;

namespace Lamina.Engine.Qemu;

/// <summary>
/// Keeps a monitor line to one QEMU: connects again when it breaks, asks now and then whether QEMU still answers, and tells when the
/// answer stays out and when it comes back. It never ends anything: a silent monitor is no dead guest.
/// </summary>
internal sealed class QemuMonitor(RuntimeFolder folder, QemuEngineOptions options, TimeProvider time, Action<QmpEvent> received,
    Action<string?> troubleChanged)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private QmpClient? _client;
    private string? _trouble;

    public bool Answers
    {
        get { lock (_lock) return _client != null && _trouble == null; }
    }

    /// <summary>Completes when it is known for the first time whether QEMU answers.</summary>
    public Task Settled => _settled.Task;

    /// <summary>A line on which the protocol is open. Waits as long as QEMU takes to answer.</summary>
    public static async Task<QmpClient> OpenAsync(RuntimeFolder folder, string name, bool outOfBand, CancellationToken cancellationToken)
    {
        var socket = await folder.ConnectAsync(name, cancellationToken);
        return await QmpClient.OpenAsync(LineOver(socket), outOfBand, cancellationToken);
    }

    public static Task<QmpClient> OpenAsync(RuntimeFolder folder, CancellationToken cancellationToken) =>
        OpenAsync(folder, QemuFiles.QmpSocket, outOfBand: false, cancellationToken);

    public Task<TResult> ExecuteAsync<TArguments, TResult>(QmpCommand<TArguments, TResult> command, TArguments arguments,
        CancellationToken cancellationToken) => Client(command.Name).ExecuteAsync(command, arguments, cancellationToken);

    public Task<TResult> ExecuteWithHandleAsync<TArguments, TResult>(QmpCommand<TArguments, TResult> command, TArguments arguments,
        SafeHandle handle, CancellationToken cancellationToken) =>
        Client(command.Name).ExecuteWithHandleAsync(command, arguments, handle, cancellationToken);

    /// <summary>Runs until cancelled, or until the line breaks after <paramref name="exited"/>: all events are passed on then.</summary>
    /// <param name="first">A line that is open already; null = connect.</param>
    public async Task RunAsync(QmpClient? first, Task exited, CancellationToken cancellationToken)
    {
        for (var client = first; !cancellationToken.IsCancellationRequested; client = null)
        {
            client ??= await ReconnectAsync(exited, cancellationToken);
            if (client == null) return;
            await using (client)
            {
                lock (_lock) _client = client;
                SetTrouble(null);
                var reason = await UseAsync(client, cancellationToken);
                lock (_lock) _client = null;
                if (await EndsSoonAsync(exited, cancellationToken)) return;
                SetTrouble(reason);
            }
        }
    }

    // Returns why the line is of no use any more.
    private async Task<string> UseAsync(QmpClient client, CancellationToken cancellationToken)
    {
        using var pinging = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var pings = PingAsync(client, pinging.Token);
        try
        {
            await foreach (var happened in client.Events.ReadAllAsync(cancellationToken)) received(happened);
            return (await client.Closed).Message;
        }
        catch (QmpProtocolException exception)
        {
            return exception.Message;
        }
        finally
        {
            await pinging.CancelAsync();
            await pings.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // QEMU closes its monitor a moment before it is gone: that is an end, not a loss.
    private async Task<bool> EndsSoonAsync(Task exited, CancellationToken cancellationToken)
    {
        var patience = Task.Delay(options.ReconnectDelay, time, cancellationToken);
        return await Task.WhenAny(exited, patience) == exited || cancellationToken.IsCancellationRequested;
    }

    private async Task<QmpClient?> ReconnectAsync(Task exited, CancellationToken cancellationToken)
    {
        while (!exited.IsCompleted)
        {
            try
            {
                // However long it takes, it stays the same line: QEMU finds it when it wakes, and a process that ends closes it.
                return await WaitReportingSilenceAsync(OpenAsync(folder, cancellationToken), cancellationToken);
            }
            catch (Exception exception) when (exception is IOException or QmpClosedException or QmpErrorException or QmpProtocolException)
            {
                SetTrouble(exception.Message);
                if (await EndsSoonAsync(exited, cancellationToken)) return null;
            }
        }
        return null;
    }

    private async Task PingAsync(QmpClient client, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(options.PingInterval, time, cancellationToken);
            await WaitReportingSilenceAsync(client.ExecuteAsync(QmpCommands.QueryStatus, QmpNothing.Instance, cancellationToken), cancellationToken);
            SetTrouble(null);
        }
    }

    private async Task<T> WaitReportingSilenceAsync<T>(Task<T> answer, CancellationToken cancellationToken)
    {
        var silence = Task.Delay(options.SilenceLimit, time, cancellationToken);
        if (await Task.WhenAny(answer, silence) == silence && silence.IsCompletedSuccessfully)
            SetTrouble($"QEMU has not answered for {options.SilenceLimit.TotalSeconds:0.#} s.");
        return await answer;
    }

    private void SetTrouble(string? trouble)
    {
        lock (_lock)
        {
            var changes = trouble == null != (_trouble == null);
            _trouble = trouble;
            if (changes) troubleChanged(trouble);
        }
        _settled.TrySetResult();
    }

    private QmpClient Client(string command)
    {
        lock (_lock) return _client ?? throw new QmpClosedException($"{command}: {_trouble ?? "the monitor is not connected."}");
    }

    private static LineStream LineOver(Socket socket) => new(new NetworkStream(socket, ownsSocket: true),
        (message, handle, token) => new ValueTask(FdPassing.SendAsync(socket, message, [handle], token)));
}
