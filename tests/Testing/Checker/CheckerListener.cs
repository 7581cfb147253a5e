using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lamina.Testing.Checker;

/// <summary>Hears checker guests by UDP, outside of the product. A socket is of the network in which it was made: make it there.</summary>
public sealed class CheckerListener : IAsyncDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly CancellationTokenSource _end = new();
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly Task _hearing;
    private readonly Lock _gate = new();
    private ImmutableDictionary<string, CheckerRecord> _records = ImmutableDictionary<string, CheckerRecord>.Empty;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public CheckerListener(IPAddress address, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _start = _time.GetTimestamp();
        _socket.ReceiveBufferSize = 4 << 20;
        _socket.Bind(new IPEndPoint(address, 0));
        _hearing = Task.Run(HearAsync);
    }

    /// <summary>Where the guests' words are to go.</summary>
    public IPEndPoint Address => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Since this began: the clock of the arrivals.</summary>
    public TimeSpan Now => _time.GetElapsedTime(_start);

    /// <summary>What the guest has gone through so far.</summary>
    public CheckerRecord Of(string id) => _records.GetValueOrDefault(id, CheckerRecord.Empty);

    /// <summary>From here on the gap is measured anew.</summary>
    public void Mark(string id) => Change(id, record => record.Marked());

    /// <summary>Waits until the guest's record is so.</summary>
    public async Task<CheckerRecord> UntilAsync(string id, Func<CheckerRecord, bool> isSo, CancellationToken cancellation)
    {
        while (true)
        {
            Task news = Volatile.Read(ref _news).Task;
            var record = Of(id);
            if (isSo(record)) return record;
            await news.WaitAsync(cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _hearing;
        _socket.Dispose();
        _end.Dispose();
    }

    private async Task HearAsync()
    {
        byte[] buffer = new byte[2048];
        while (await ReceiveAsync(buffer) is { } received)
        {
            var at = Now;
            if (CheckerWord.Parse(Encoding.ASCII.GetString(buffer, 0, received.ReceivedBytes)) is not { } word) continue;
            string from = ((IPEndPoint)received.RemoteEndPoint).Address.ToString();
            Change(word.Id, record => record.Hear(new CheckerArrival(at, from, word)));
        }
    }

    private async Task<SocketReceiveFromResult?> ReceiveAsync(byte[] buffer)
    {
        try
        {
            return await _socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _end.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private void Change(string id, Func<CheckerRecord, CheckerRecord> how)
    {
        lock (_gate) _records = _records.SetItem(id, how(Of(id)));
        Interlocked.Exchange(ref _news, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }
}
