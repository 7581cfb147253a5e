using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Lamina.Engine.Agent;
using Lamina.Engine.Qmp;
using Lamina.Linux;

namespace Lamina.Tests.Nested;

/// <summary>How a script in the nested host ended.</summary>
internal sealed record ShellResult(int ExitCode, string Output, string Error)
{
    public override string ToString() => $"exit {ExitCode}\n{Output}{Error}";
}

/// <summary>
/// Runs scripts as root in the nested host, by its guest agent. A connection for each script: the agent ends with each of the host's boots.
/// </summary>
internal sealed class HostShell(string socketPath)
{
    /// <summary>The agent is one thread of a machine that is being translated: it may be slow, and is only lost after this.</summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);

    /// <exception cref="IOException">The agent does not answer, or did not until the script had ended.</exception>
    /// <exception cref="TimeoutException">The script goes on.</exception>
    public async Task<ShellResult> RunAsync(string script, TimeSpan timeout, CancellationToken cancellation)
    {
        await using var connection = await ConnectAsync(cancellation);
        var process = await AskAsync(connection, "guest-exec", writer => WriteExec(writer, script), cancellation);
        int processId = process.GetProperty("pid").GetInt32();
        var clock = BootTimeProvider.Shared;
        long began = clock.GetTimestamp();
        while (true)
        {
            var status = await AskAsync(connection, "guest-exec-status", writer => WriteNumber(writer, "pid", processId), cancellation);
            if (status.GetProperty("exited").GetBoolean()) return Result(status);
            if (clock.GetElapsedTime(began) > timeout) throw new TimeoutException($"This has not ended within {timeout.TotalSeconds:0} s:\n{script}");
            await Task.Delay(Poll, cancellation);
        }
    }

    private async Task<GuestAgentConnection> ConnectAsync(CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation);
            return new GuestAgentConnection(new NetworkStream(socket, ownsSocket: true));
        }
        catch (SocketException away)
        {
            socket.Dispose();
            throw new IOException($"QEMU does not take a connection for the agent: {away.Message}", away);
        }
    }

    private static async Task<JsonElement> AskAsync(
        GuestAgentConnection connection, string command, Action<Utf8JsonWriter> arguments, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(AnswerPatience);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellation);
        try
        {
            return await connection.RequestAsync(command, arguments, GuestAgentConnection.ExecAnswerBytes, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"The nested host's agent has not answered {command} within {AnswerPatience.TotalSeconds:0} s.");
        }
        catch (QmpProtocolException nonsense)
        {
            throw new IOException(nonsense.Message, nonsense);
        }
    }

    private static void WriteExec(Utf8JsonWriter writer, string script)
    {
        writer.WriteStartObject();
        writer.WriteString("path"u8, "/bin/bash");
        writer.WriteStartArray("arg"u8);
        writer.WriteStringValue("-c");
        writer.WriteStringValue(script);
        writer.WriteEndArray();
        writer.WriteStartArray("env"u8);
        writer.WriteStringValue("PATH=/usr/sbin:/usr/bin:/sbin:/bin");
        writer.WriteStringValue("LC_ALL=C.UTF-8");
        writer.WriteStringValue("HOME=/root");
        writer.WriteEndArray();
        writer.WriteBoolean("capture-output"u8, true);
        writer.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter writer, string name, int number)
    {
        writer.WriteStartObject();
        writer.WriteNumber(name, number);
        writer.WriteEndObject();
    }

    private static ShellResult Result(JsonElement status) => new(
        status.TryGetProperty("exitcode", out var code) ? code.GetInt32() : -1, Text(status, "out-data"), Text(status, "err-data"));

    private static string Text(JsonElement status, string name) =>
        status.TryGetProperty(name, out var data) ? Encoding.UTF8.GetString(data.GetBytesFromBase64()) : "";
}
