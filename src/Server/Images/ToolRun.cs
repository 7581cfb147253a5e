using System.Globalization;
using System.IO.Pipes;
using System.Text;
using Lamina.Linux.Processes;

namespace Lamina.Server.Images;

/// <summary>A long-running tool (qemu-img, a recipe) and how it is watched.</summary>
internal sealed record ToolSpec
{
    public required string Program { get; init; }
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Bears on every process that the tool starts, so that a later daemon finds what an earlier one left running.</summary>
    public required string Operation { get; init; }
    public required TimeSpan Deadline { get; init; }
    public IReadOnlyList<ChildFile> Files { get; init; } = [];
    public ChildUser? User { get; init; }
    public ChildLimits? Limits { get; init; }

    /// <summary>Told each line of standard output; lines end with LF or CR, as progress does.</summary>
    public Action<string> OnLine { get; init; } = _ => { };
}

/// <summary>Runs a tool to its end while its output is read line by line; cancelling and the deadline end its whole process group.</summary>
internal static class ToolRun
{
    private const int ErrorTailBytes = 16 * 1024;
    private const int LongestLine = 4096;
    private static readonly TimeSpan PoliteEnd = TimeSpan.FromSeconds(10);

    /// <summary>Runs it.</summary>
    /// <exception cref="CommandException">It failed; the message carries its last words.</exception>
    /// <exception cref="TimeoutException">It did not end in time.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing of it runs any more.</exception>
    public static async Task RunAsync(ToolSpec spec, TimeProvider time, CancellationToken cancellation)
    {
        using var output = new AnonymousPipeServerStream(PipeDirection.In);
        using var child = Spawn(spec, output);
        output.DisposeLocalCopyOfClientHandle();
        using var deadline = new CancellationTokenSource(spec.Deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var reading = ReadLinesAsync(output, spec.OnLine);
        ChildExit exit;
        try
        {
            exit = await child.WaitForExitAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            await EndAsync(child, time);
            cancellation.ThrowIfCancellationRequested();
            throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(spec.Program)} did not end within {spec.Deadline.TotalMinutes:0} minutes and was ended."));
        }

        // The group is killed when its leader ends, so nobody holds the pipe open for long.
        await reading;
        new CommandResult(spec.Program, exit, [], child.StandardError).EnsureSuccess();
    }

    private static ChildProcess Spawn(ToolSpec spec, AnonymousPipeServerStream output) => ChildProcess.Spawn(new ChildSpec
    {
        Program = spec.Program,
        Arguments = spec.Arguments,
        Files = spec.Files,
        User = spec.User,
        Limits = spec.Limits,
        Environment = new Dictionary<string, string>(ChildSpec.DefaultEnvironment) { [ToolLeftovers.Mark] = spec.Operation },
        StandardOutput = ChildOutput.To(output.ClientSafePipeHandle),
        StandardError = ChildOutput.Tail(ErrorTailBytes),
        KillGroupAtEnd = true,
    });

    private static async Task EndAsync(ChildProcess child, TimeProvider time)
    {
        child.SendToGroup(Signal.Terminate);
        using var patience = new CancellationTokenSource(PoliteEnd, time);
        try
        {
            await child.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            child.SendToGroup(Signal.Kill);
            await child.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static async Task ReadLinesAsync(Stream output, Action<string> onLine)
    {
        using var reader = new StreamReader(output, Encoding.UTF8);
        var buffer = new char[1024];
        var line = new StringBuilder();
        int count;
        while ((count = await reader.ReadAsync(buffer)) > 0)
        {
            foreach (var c in buffer.AsSpan(0, count))
            {
                if (c is not ('\n' or '\r'))
                {
                    // A tool gone wrong may write without end and without lines.
                    if (line.Length < LongestLine)
                    {
                        line.Append(c);
                    }
                }
                else if (line.Length > 0)
                {
                    onLine(line.ToString());
                    line.Clear();
                }
            }
        }
    }
}
