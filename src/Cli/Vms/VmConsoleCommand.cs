using System.CommandLine;
using System.Net.WebSockets;
using Lamina.Api;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Cli.Vms;

/// <summary>
/// <c>lamina vm console web1</c>: the serial line, history first, until Ctrl-] and another key (or the end of standard input). The guest's bytes go
/// to the terminal as they are; that is what a console is for.
/// </summary>
internal static class VmConsoleCommand
{
    public static Command Build()
    {
        var vm = VmArgument.Create();
        var history = new Option<bool>("--history") { Description = "print what the serial line said until now, and end" };
        return CommandBuilder.Verb("console", "the serial line; Ctrl-] then q leaves it", [vm, history], (invocation, cancellationToken) =>
            invocation.Value(history)
                ? PrintHistoryAsync(invocation, invocation.Value(vm), cancellationToken)
                : AttachAsync(invocation, invocation.Value(vm), cancellationToken));
    }

    private static async Task<ExitCode> PrintHistoryAsync(Invocation invocation, string vm, CancellationToken cancellationToken)
    {
        await using var output = Console.OpenStandardOutput();
        await invocation.Client.Vms.CopySerialHistoryAsync(vm, output, cancellationToken);
        return ExitCode.Done;
    }

    private static async Task<ExitCode> AttachAsync(Invocation invocation, string vm, CancellationToken cancellationToken)
    {
        using var socket = await invocation.Client.Consoles.OpenAsync(vm, ConsoleKind.Serial, cancellationToken);
        invocation.Say($"— {vm}: serial console; Ctrl-] then q leaves —");
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using (Console.IsInputRedirected ? null : new RawTerminal())
        {
            var output = ShowAsync(socket, ended.Token);
            var input = TypeAsync(socket, ended.Token);
            await Task.WhenAny(output, input);
            await ended.CancelAsync();
            await output;
        }

        invocation.Say(socket.CloseStatusDescription is { Length: > 0 } why ? $"\n— {why} —" : "\n— left —");
        return ExitCode.Done;
    }

    private static async Task ShowAsync(WebSocket socket, CancellationToken cancellationToken)
    {
        await using var output = Console.OpenStandardOutput();
        var buffer = new byte[16 * 1024];
        try
        {
            while (await socket.ReceiveAsync(buffer.AsMemory(), cancellationToken) is { MessageType: not WebSocketMessageType.Close } part)
            {
                await output.WriteAsync(buffer.AsMemory(0, part.Count), cancellationToken);
                await output.FlushAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // The person left.
        }
    }

    private static async Task TypeAsync(WebSocket socket, CancellationToken cancellationToken)
    {
        // Console's own stream reads a terminal line by line, and puts it out of raw mode for that.
        using var standardInput = new SafeFileHandle(0, ownsHandle: false);
        await using var input = new FileStream(standardInput, FileAccess.Read, bufferSize: 0);
        var detach = new DetachKey();
        var buffer = new byte[1024];
        while (true)
        {
            // A read of the terminal cannot be cancelled; it is left behind when the guest ends first.
            var read = await Task.Run(() => input.Read(buffer), CancellationToken.None).WaitAsync(cancellationToken);
            if (read == 0 || detach.Filter(buffer.AsSpan(0, read)) is not { } typed) return;
            await socket.SendAsync(typed, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken);
        }
    }
}
