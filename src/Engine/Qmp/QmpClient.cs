using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading.Channels;

namespace Lamina.Engine.Qmp;

/// <summary>
/// A monitor connection: typed commands, events, three kinds of failure (<see cref="QmpClosedException"/>,
/// <see cref="QmpErrorException"/>, <see cref="QmpProtocolException"/>). Has no deadlines of its own: callers bring them.
/// </summary>
public sealed class QmpClient : IAsyncDisposable
{
    /// <summary>The largest answer known (<c>query-qmp-schema</c>) has 200 KiB; a longer line than this is nonsense.</summary>
    public const int MaxLineBytes = 8 * 1024 * 1024;

    private readonly QmpConnection _connection;

    private QmpClient(QmpConnection connection) => _connection = connection;

    public QmpVersion Version { get; private set; } = new(0, 0, 0);
    /// <summary>Events since the connection; completes when the line is dead.</summary>
    public ChannelReader<QmpEvent> Events => _connection.Events;
    /// <summary>Completes with the reason when the line is dead.</summary>
    public Task<Exception> Closed => _connection.Closed;

    /// <summary>
    /// Opens the protocol on a connected stream, which it owns from here on. The capabilities are asked for without waiting for
    /// the greeting, which saves a round trip at the start of a VM.
    /// </summary>
    internal static async Task<QmpClient> OpenAsync(LineStream stream, bool outOfBand, CancellationToken cancellationToken)
    {
        var client = new QmpClient(new QmpConnection(stream));
        try
        {
            await client.ExecuteAsync(QmpCommands.QmpCapabilities,
                new QmpCapabilitiesArguments { Enable = outOfBand ? [QmpCapability.Oob] : [] }, cancellationToken);
            client.Version = await client._connection.Greeting.WaitAsync(cancellationToken);
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>For peers that are in this process.</summary>
    public static Task<QmpClient> OpenAsync(Stream stream, bool outOfBand, CancellationToken cancellationToken) =>
        OpenAsync(new LineStream(stream), outOfBand, cancellationToken);

    public Task<TResult> ExecuteAsync<TArguments, TResult>(QmpCommand<TArguments, TResult> command, TArguments arguments,
        CancellationToken cancellationToken) => CallAsync(command, arguments, outOfBand: false, handle: null, cancellationToken);

    /// <summary>Like <see cref="ExecuteAsync"/>, ahead of what is queued; needs a monitor opened with out-of-band.</summary>
    public Task<TResult> ExecuteOutOfBandAsync<TArguments, TResult>(QmpCommand<TArguments, TResult> command, TArguments arguments,
        CancellationToken cancellationToken) => CallAsync(command, arguments, outOfBand: true, handle: null, cancellationToken);

    /// <summary>Like <see cref="ExecuteAsync"/>, with an open file attached (<c>getfd</c>, <c>add-fd</c>).</summary>
    public Task<TResult> ExecuteWithHandleAsync<TArguments, TResult>(QmpCommand<TArguments, TResult> command, TArguments arguments,
        SafeHandle handle, CancellationToken cancellationToken) => CallAsync(command, arguments, outOfBand: false, handle, cancellationToken);

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task<TResult> CallAsync<TArguments, TResult>(QmpCommand<TArguments, TResult> command, TArguments arguments,
        bool outOfBand, SafeHandle? handle, CancellationToken cancellationToken)
    {
        var answer = await _connection.CallAsync(command.Name, writer => JsonSerializer.Serialize(writer, arguments, command.Arguments),
            outOfBand, handle, cancellationToken);
        try
        {
            return answer.Deserialize(command.Result) ?? throw new QmpProtocolException($"{command.Name} answered null.");
        }
        catch (JsonException exception)
        {
            throw new QmpProtocolException($"The answer to {command.Name} is not what QEMU's schema says: {exception.Message}", exception);
        }
    }
}
