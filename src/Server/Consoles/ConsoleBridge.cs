using System.Net.WebSockets;

namespace Lamina.Server.Consoles;

/// <summary>
/// Carries bytes between a viewer's WebSocket and a line of the guest until one of them ends, the right is lost or the daemon stops. Nothing is
/// queued: a viewer that does not read is not read for, and its line keeps or drops what it must.
/// </summary>
/// <param name="socket">The viewer's.</param>
/// <param name="read">Reads from the guest; 0 = it has ended.</param>
/// <param name="write">Writes to the guest.</param>
/// <param name="atLineEnd">Why the console is closed when the guest's line has ended.</param>
internal sealed class ConsoleBridge(
    WebSocket socket,
    Func<Memory<byte>, CancellationToken, ValueTask<int>> read,
    Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write,
    ConsoleEnd atLineEnd)
{
    private const int OutputBytes = 16 * 1024;
    private const int InputBytes = 4 * 1024;
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(3);

    /// <summary>Runs until the end and closes the socket with its reason.</summary>
    /// <param name="accessLost">Completes when the viewer may no longer use the console.</param>
    /// <param name="stopping">The daemon stops.</param>
    /// <param name="aborted">The viewer's line is gone.</param>
    public async Task RunAsync(Func<CancellationToken, Task> accessLost, CancellationToken stopping, CancellationToken aborted)
    {
        // Reading from the guest and watching rights end first, the socket last: a cancelled receive would tear it down before the
        // reason is sent.
        using var inner = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        using var outer = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(inner.Token, stopping);
        var output = OutputAsync(inner.Token, outer.Token);
        var input = InputAsync(outer.Token);
        var access = EndsAsync(accessLost(inner.Token), ConsoleEnd.AccessLost);
        var stopped = EndsAsync(Settled(Task.Delay(Timeout.InfiniteTimeSpan, stop.Token)), ConsoleEnd.DaemonStops);
        var first = await Task.WhenAny(output, input, access, stopped);
        await inner.CancelAsync();
        outer.CancelAfter(ClosePatience);
        await Settled(output);
        if (first.IsCompletedSuccessfully) await CloseAsync(await first, outer.Token);
        await Task.WhenAll(Settled(input), Settled(access), Settled(stopped));
        // What nobody foresaw is for the log; a viewer gone is no failure.
        if (first.IsFaulted) await first;
    }

    private static async Task<ConsoleEnd?> EndsAsync(Task task, ConsoleEnd end)
    {
        await task;
        return end;
    }

    /// <summary>From the guest to the viewer. Null: the viewer is gone.</summary>
    private async Task<ConsoleEnd?> OutputAsync(CancellationToken reading, CancellationToken sending)
    {
        byte[] buffer = new byte[OutputBytes];
        while (true)
        {
            int count;
            try
            {
                count = await read(buffer, reading);
            }
            catch (IOException)
            {
                return ConsoleEnd.LineLost;
            }

            if (count == 0) return atLineEnd;
            try
            {
                await socket.SendAsync(buffer.AsMemory(0, count), WebSocketMessageType.Binary, endOfMessage: true, sending);
            }
            catch (WebSocketException)
            {
                return null;
            }
        }
    }

    /// <summary>From the viewer to the guest. Null: the viewer left.</summary>
    private async Task<ConsoleEnd?> InputAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[InputBytes];
        while (true)
        {
            ValueWebSocketReceiveResult received;
            try
            {
                received = await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken);
            }
            catch (WebSocketException)
            {
                return null;
            }

            if (received.MessageType == WebSocketMessageType.Close) return null;
            try
            {
                await write(buffer.AsMemory(0, received.Count), cancellationToken);
            }
            catch (IOException)
            {
                return ConsoleEnd.LineLost;
            }
        }
    }

    private async Task CloseAsync(ConsoleEnd? end, CancellationToken cancellationToken)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived)) return;
        try
        {
            await socket.CloseOutputAsync(end?.Status ?? WebSocketCloseStatus.NormalClosure, end?.Reason, cancellationToken);
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException)
        {
            // Nobody is left to be told.
        }
    }

    private static async Task Settled(Task task) => await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
