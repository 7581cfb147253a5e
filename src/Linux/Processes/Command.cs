using Lamina.Linux.Files;

namespace Lamina.Linux.Processes;

/// <summary>Runs helper programs.</summary>
public static class Command
{
    /// <summary>How long a killed program may take to vanish; one in uninterruptible sleep, on a dead NFS server, never does.</summary>
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(5);

    /// <summary>Runs a program to its end. Cancelling, and the timeout, kill its whole process group before this returns.</summary>
    /// <exception cref="LinuxException">It could not be started.</exception>
    /// <exception cref="TimeoutException">It did not end in time.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static async Task<CommandResult> RunAsync(CommandSpec spec, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var input = spec.Input.Length == 0 ? null : Memfd.CreateWith("input", spec.Input.Span);
        using var child = ChildProcess.Spawn(ToChild(spec) with { StandardInput = input });
        using var deadline = new CancellationTokenSource(spec.Timeout, BootTimeProvider.Shared);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            var exit = await child.WaitForExitAsync(either.Token).ConfigureAwait(false);
            return new(spec.Program, exit, child.StandardOutput, child.StandardError);
        }
        catch (OperationCanceledException)
        {
            await KillAsync(child).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
            throw new TimeoutException($"{spec.Program} did not end within {spec.Timeout.TotalSeconds:0.#} s and was killed");
        }
    }

    private static async Task KillAsync(ChildProcess child)
    {
        child.SendToGroup(Signal.Kill);
        try
        {
            await child.WaitForExitAsync(CancellationToken.None).WaitAsync(KillPatience, BootTimeProvider.Shared).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // it is collected whenever the kernel lets go of it
        }
    }

    private static ChildSpec ToChild(CommandSpec spec) => new()
    {
        Program = spec.Program,
        Arguments = spec.Arguments,
        Files = spec.Files,
        Environment = spec.Environment,
        WorkingDirectory = spec.WorkingDirectory,
        User = spec.User,
        Limits = spec.Limits,
        KillGroupAtEnd = true,
        StandardOutput = ChildOutput.Head(spec.MaxOutputBytes),
        StandardError = ChildOutput.Tail(spec.MaxOutputBytes),
    };
}
