using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Engine.Qmp;

namespace Lamina.Engine.Agent;

/// <summary>
/// The agent inside a guest, if there is one. One request at a time; each has a deadline, for a guest without an agent answers
/// nothing at all. Everything said is the guest's own word.
/// </summary>
/// <param name="connect">Connects to the agent's channel; QEMU accepts whether or not an agent listens in the guest.</param>
/// <param name="time">Runs the deadlines.</param>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore's wait handle is never taken, so nothing is held.")]
public sealed class GuestAgent(Func<CancellationToken, ValueTask<Stream>> connect, TimeProvider time) : IAsyncDisposable
{
    private const string BootIdPath = "/proc/sys/kernel/random/boot_id";
    private const int BootIdBytes = 64;
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LastPoll = TimeSpan.FromSeconds(1);
    private static readonly AgentJson Json = AgentJson.Default;

    private readonly SemaphoreSlim _oneAtATime = new(1, 1);
    private GuestAgentConnection? _connection;

    /// <summary>How long the agent may take for one answer.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <exception cref="GuestAgentUnavailableException">No agent answers.</exception>
    public Task PingAsync(CancellationToken cancellationToken) =>
        RequestAsync("guest-ping", new AgentNothing(), Json.AgentNothing, Json.AgentNothing, cancellationToken);

    public Task<GuestAgentInfo> InfoAsync(CancellationToken cancellationToken) =>
        RequestAsync("guest-info", new AgentNothing(), Json.AgentNothing, Json.GuestAgentInfo, cancellationToken);

    /// <summary>Writes everything down and holds the file systems still, until <see cref="ThawAsync"/>.</summary>
    /// <returns>How many file systems.</returns>
    public Task<long> FreezeAsync(CancellationToken cancellationToken) =>
        RequestAsync("guest-fsfreeze-freeze", new AgentNothing(), Json.AgentNothing, Json.Int64, cancellationToken);

    /// <summary>Lets the file systems go on; also when they are not frozen.</summary>
    public Task<long> ThawAsync(CancellationToken cancellationToken) =>
        RequestAsync("guest-fsfreeze-thaw", new AgentNothing(), Json.AgentNothing, Json.Int64, cancellationToken);

    public Task<GuestOsInfo> OsInfoAsync(CancellationToken cancellationToken) =>
        RequestAsync("guest-get-osinfo", new AgentNothing(), Json.AgentNothing, Json.GuestOsInfo, cancellationToken);

    public async Task<IReadOnlyList<GuestNetworkInterface>> NetworkInterfacesAsync(CancellationToken cancellationToken) =>
        await RequestAsync("guest-network-get-interfaces", new AgentNothing(), Json.AgentNothing, Json.GuestNetworkInterfaceArray,
            cancellationToken);

    /// <summary>Runs a program in the guest to its end. The program goes on if the caller stops waiting: the agent cannot kill.</summary>
    public async Task<GuestCommandResult> ExecAsync(GuestCommand command, CancellationToken cancellationToken)
    {
        var process = await RequestAsync("guest-exec", new AgentExecArguments
        {
            Path = command.Path, Arg = command.Arguments, Env = command.Environment, InputData = command.Input,
        }, Json.AgentExecArguments, Json.AgentProcess, cancellationToken);
        for (var pause = FirstPoll; ; pause = pause * 2 < LastPoll ? pause * 2 : LastPoll)
        {
            var status = await RequestAsync("guest-exec-status", process, Json.AgentProcess, Json.AgentExecStatus, cancellationToken,
                GuestAgentConnection.ExecAnswerBytes);
            if (status.Exited) return Result(status);
            await Task.Delay(pause, time, cancellationToken);
        }
    }

    /// <summary>Asks the guest's system to shut down. Accepted is all that is known: the guest ends when it ends.</summary>
    public Task ShutdownAsync(GuestShutdownMode mode, CancellationToken cancellationToken) => WithConnectionAsync("guest-shutdown",
        async (connection, token) =>
        {
            await connection.SendOnlyAsync("guest-shutdown", writer => JsonSerializer.Serialize(writer,
                new AgentShutdownArguments { Mode = mode.ToString().ToLowerInvariant() }, Json.AgentShutdownArguments), token);
            return true;
        }, cancellationToken);

    /// <summary>Sets the password of an existing user of the guest.</summary>
    public Task SetUserPasswordAsync(string user, string password, bool isCrypted, CancellationToken cancellationToken) =>
        RequestAsync("guest-set-user-password", new AgentPasswordArguments
        {
            Username = user, Password = Encoding.UTF8.GetBytes(password), Crypted = isCrypted,
        }, Json.AgentPasswordArguments, Json.AgentNothing, cancellationToken);

    /// <summary>The boot id of a Linux guest: it changes with each of the guest's boots and with nothing else.</summary>
    /// <exception cref="GuestAgentErrorException">The guest is no Linux.</exception>
    public async Task<string> BootIdAsync(CancellationToken cancellationToken)
    {
        var handle = await OpenFileAsync(BootIdPath, "r", cancellationToken);
        var content = await ReadFileAsync(handle, BootIdBytes, cancellationToken);
        await CloseFileAsync(handle, cancellationToken);
        return Encoding.ASCII.GetString(content.Bytes).Trim();
    }

    internal Task<long> OpenFileAsync(string path, string mode, CancellationToken cancellationToken) => RequestAsync(
        "guest-file-open", new AgentFileOpenArguments { Path = path, Mode = mode }, Json.AgentFileOpenArguments, Json.Int64, cancellationToken);

    internal Task<AgentFileContent> ReadFileAsync(long handle, int count, CancellationToken cancellationToken) => RequestAsync(
        "guest-file-read", new AgentFileReadArguments { Handle = handle, Count = count }, Json.AgentFileReadArguments, Json.AgentFileContent, cancellationToken);

    internal Task<AgentFileWritten> WriteFileAsync(long handle, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => RequestAsync(
        "guest-file-write", new AgentFileWriteArguments { Handle = handle, Bytes = bytes }, Json.AgentFileWriteArguments, Json.AgentFileWritten, cancellationToken);

    internal Task CloseFileAsync(long handle, CancellationToken cancellationToken) => RequestAsync(
        "guest-file-close", new AgentFileArguments { Handle = handle }, Json.AgentFileArguments, Json.AgentNothing, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _oneAtATime.WaitAsync();
        try
        {
            await DropAsync();
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    private static GuestCommandResult Result(AgentExecStatus status) => new()
    {
        ExitCode = status.Signal == null ? status.Exitcode : null,
        Signal = status.Signal,
        Output = status.OutData ?? [],
        Error = status.ErrData ?? [],
        OutputTruncated = status.OutTruncated,
        ErrorTruncated = status.ErrTruncated,
    };

    private Task<TResult> RequestAsync<TArguments, TResult>(string command, TArguments arguments, JsonTypeInfo<TArguments> argumentsInfo,
        JsonTypeInfo<TResult> resultInfo, CancellationToken cancellationToken, int maxAnswerBytes = GuestAgentConnection.OrdinaryAnswerBytes) =>
        WithConnectionAsync(command, async (connection, token) =>
        {
            var answer = await connection.RequestAsync(command, writer => JsonSerializer.Serialize(writer, arguments, argumentsInfo),
                maxAnswerBytes, token);
            return answer.Deserialize(resultInfo) ?? throw new QmpProtocolException($"The guest answered null to {command}.");
        }, cancellationToken);

    // A request that did not end well leaves the line at an unknown place: the next one begins on a new line.
    private async Task<TResult> WithConnectionAsync<TResult>(string command,
        Func<GuestAgentConnection, CancellationToken, Task<TResult>> request, CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        using var deadline = new CancellationTokenSource(Deadline, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        var inStep = false;
        try
        {
            _connection ??= new GuestAgentConnection(await connect(both.Token));
            var result = await request(_connection, both.Token);
            inStep = true;
            return result;
        }
        catch (GuestAgentErrorException)
        {
            inStep = true;
            throw;
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new GuestAgentUnavailableException($"The guest agent did not answer {command} within {Deadline.TotalSeconds:0} s.", exception);
        }
        catch (Exception exception) when (exception is IOException or QmpProtocolException or JsonException or FormatException)
        {
            throw new GuestAgentUnavailableException($"The guest agent is of no use: {exception.Message}", exception);
        }
        finally
        {
            if (!inStep) await DropAsync();
            _oneAtATime.Release();
        }
    }

    private async ValueTask DropAsync()
    {
        if (_connection is not { } connection) return;
        _connection = null;
        await connection.DisposeAsync();
    }
}
