using System.CommandLine;

namespace Lamina.Cli;

/// <summary>
/// <c>lamina completion bash</c>: a script for the shell that asks the CLI itself, by System.CommandLine's <c>[suggest:POSITION]</c> directive, so that
/// it never falls behind.
/// </summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _lamina() {
            local line=${COMP_LINE#"${COMP_WORDS[0]}"}
            COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:$((COMP_POINT - ${#COMP_WORDS[0]} - 1))]" "${line# }" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _lamina lamina ./lamina
        """;

    private const string Zsh = """
        #compdef lamina
        _lamina() {
            local rest=${BUFFER#* }
            compadd -- ${(f)"$(${words[1]} "[suggest:${#rest}]" "$rest" 2>/dev/null)"}
        }
        compdef _lamina lamina
        """;

    private const string Fish = """
        function __lamina
            set -l rest (string replace -r '^\S+\s?' '' -- (commandline -cp))
            lamina "[suggest:"(string length -- "$rest")"]" "$rest" 2>/dev/null
        end
        complete -c lamina -f -a '(__lamina)'
        """;

    public static Command Build()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        return CommandBuilder.Verb("completion", "print the completion script: eval \"$(lamina completion bash)\"", [shell], (invocation, _) =>
        {
            invocation.Printer.Text(invocation.Value(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
            return Task.CompletedTask;
        });
    }
}
