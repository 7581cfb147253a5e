using System.Text;

namespace Lamina.Linux.Processes;

/// <summary>What a helper program said.</summary>
public sealed record CommandResult(string Program, ChildExit Exit, byte[] Output, byte[] ErrorOutput)
{
    public string OutputText => Encoding.UTF8.GetString(Output);

    public string ErrorText => Encoding.UTF8.GetString(ErrorOutput);

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
