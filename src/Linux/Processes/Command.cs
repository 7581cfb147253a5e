namespace Lamina.Linux.Processes;

/// <summary>A helper program to run to its end: qemu-img, nft, xorriso…</summary>
public sealed record CommandSpec
{
    /// <summary>An absolute path, or a name that is looked up by <see cref="Programs"/>.</summary>
    public required string Program { get; init; }

    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>When it is over, the whole process group is killed.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>What the program reads from its standard input; secrets belong here, never into arguments.</summary>
    public ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>How much of each output is kept; the rest is read and dropped.</summary>
    public int MaxOutputBytes { get; init; } = 256 * 1024;

    public IReadOnlyList<ChildFile> Files { get; init; } = [];

    public IReadOnlyDictionary<string, string> Environment { get; init; } = ChildSpec.DefaultEnvironment;

    public string WorkingDirectory { get; init; } = "/";

    public ChildUser? User { get; init; }

    public ChildLimits? Limits { get; init; }
}

/// <summary>What a helper program said.</summary>
public sealed record CommandResult(string Program, ChildExit Exit, byte[] Output, byte[] ErrorOutput)
{
    public string OutputText => System.Text.Encoding.UTF8.GetString(Output);

    public string ErrorText => System.Text.Encoding.UTF8.GetString(ErrorOutput);

    /// <summary>Returns itself when the program succeeded.</summary>
    /// <exception cref="CommandException">It did not; the message carries its own words.</exception>
    public CommandResult EnsureSuccess() => Exit.Succeeded ? this : throw new CommandException(this);
}

/// <summary>A helper program failed; <see cref="Exception.Message"/> carries its last words.</summary>
public sealed class CommandException(CommandResult result)
    : IOException($"{Path.GetFileName(result.Program)} {result.Exit}: {Explain(result)}")
{
    public CommandResult Result { get; } = result;

    private static string Explain(CommandResult result)
    {
        var words = result.ErrorText.Trim();
        if (words.Length == 0) words = result.OutputText.Trim();
        return words.Length == 0 ? "it said nothing" : words.Length <= 2000 ? words : "…" + words[^2000..];
    }
}

/// <summary>Runs helper programs.</summary>
public static class Command
{
    /// <summary>
    /// Runs a program to its end. Cancelling, and the timeout, kill its whole process group before this returns.
    /// </summary>
    /// <exception cref="LinuxException">It could not be started.</exception>
    /// <exception cref="TimeoutException">It did not end in time.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Task<CommandResult> RunAsync(CommandSpec spec, CancellationToken cancellation) => throw new NotImplementedException();
}
