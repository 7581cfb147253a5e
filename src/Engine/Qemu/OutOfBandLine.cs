using Lamina.Engine.Qmp;

namespace Lamina.Engine.Qemu;

/// <summary>
/// A second line to QEMU, for the few commands that it obeys while everything else of it waits: for a page of the guest's that is on another host, or
/// for a peer that does not read. It must be opened before that happens, since opening is not among them.
/// </summary>
internal sealed class OutOfBandLine(RuntimeFolder folder, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim _opening = new(1, 1);
    private QmpClient? _client;

    /// <summary>Opens the line unless it is open.</summary>
    /// <exception cref="QmpClosedException">QEMU does not take it up in time, or nobody is there.</exception>
    public async Task<QmpClient> OpenAsync(CancellationToken cancellationToken)
    {
        await _opening.WaitAsync(cancellationToken);
        try
        {
            if (_client is { Closed.IsCompleted: false }) return _client;
            await CloseAsync();
            using var deadline = new CancellationTokenSource(Patience, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            _client = await QemuMonitor.OpenAsync(folder, QemuFiles.QmpOobSocket, outOfBand: true, either.Token);
            _ = DropEventsAsync(_client);
            return _client;
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new QmpClosedException("QEMU does not take up a second line.", exception);
        }
        catch (IOException exception)
        {
            throw new QmpClosedException(exception.Message, exception);
        }
        finally
        {
            _opening.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _opening.Dispose();
    }

    // The first line has them too.
    private static async Task DropEventsAsync(QmpClient client)
    {
        await foreach (var _ in client.Events.ReadAllAsync())
        {
        }
    }

    private async Task CloseAsync()
    {
        if (_client is { } client) await client.DisposeAsync();
        _client = null;
    }
}
