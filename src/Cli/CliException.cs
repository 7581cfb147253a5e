namespace Lamina.Cli;

/// <summary>A failure that the CLI found itself: what is wrong, what to do, and the exit code for scripts.</summary>
internal sealed class CliException(ExitCode exitCode, string message, string? remedy = null) : Exception(message)
{
    public ExitCode ExitCode => exitCode;

    public string? Remedy => remedy;
}
