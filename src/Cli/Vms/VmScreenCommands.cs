using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary><c>lamina vm screenshot</c> and <c>lamina vm keys</c>: the screen and the keyboard without a console.</summary>
internal static class VmScreenCommands
{
    private const string StandardStream = "-";

    public static Command Screenshot()
    {
        var vm = VmArgument.Create();
        var file = new Argument<string?>("file") { Description = "where to (default: NAME.png); - writes to standard output", Arity = ArgumentArity.ZeroOrOne };
        return CommandBuilder.Verb("screenshot", "a picture of its screen, as PNG", [vm, file], async (invocation, cancellationToken) =>
        {
            var name = invocation.Value(vm);
            var to = invocation.Value(file) ?? $"{name}.png";
            if (to == StandardStream)
            {
                await using var output = Console.OpenStandardOutput();
                await invocation.Client.Vms.CopyScreenshotAsync(name, output, cancellationToken);
                return;
            }

            // Whole or not at all: a refusal leaves no empty picture behind.
            using var picture = new MemoryStream();
            await invocation.Client.Vms.CopyScreenshotAsync(name, picture, cancellationToken);
            await File.WriteAllBytesAsync(to, picture.ToArray(), cancellationToken);
            invocation.Say($"{to} is written");
        });
    }

    public static Command Keys()
    {
        var vm = VmArgument.Create();
        var chords = new Argument<string[]>("keys") { Description = "pressed one after the other: ctrl-alt-delete, f12, enter", Arity = ArgumentArity.ZeroOrMore };
        var text = new Option<string?>("--text") { Description = "type this instead; - reads standard input", HelpName = "text" };
        var layout = new Option<string?>("--layout") { Description = "the guest's keyboard layout for --text: us, kr or de (default: us)", HelpName = "name" };
        return CommandBuilder.Verb("keys", "press keys on its keyboard", [vm, chords, text, layout], async (invocation, cancellationToken) =>
        {
            var named = invocation.Value(chords) ?? [];
            var typed = invocation.Value(text);
            if (named.Length > 0 == typed is not null) throw new CliException(ExitCode.Usage, "name keys, or a text to type", "lamina vm keys --help");
            if (typed == StandardStream) typed = await Console.In.ReadToEndAsync(cancellationToken);
            var request = new VmKeysRequest { Keys = named.Length > 0 ? named : null, Text = typed, Layout = invocation.Value(layout) };
            await invocation.Client.Vms.PressKeysAsync(invocation.Value(vm), request, cancellationToken);
        });
    }
}
