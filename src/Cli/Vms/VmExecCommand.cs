using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary><c>lamina vm exec web1 -- uname -a</c></summary>
internal static class VmExecCommand
{
    public static Command Build()
    {
        var vm = VmArgument.Create();
        var command = new Argument<string[]>("command") { Description = "after --: the program and its arguments", Arity = ArgumentArity.OneOrMore };
        var timeout = new Option<int?>("--timeout") { Description = "how many seconds it may take (default 60)", HelpName = "seconds" };
        var stdin = new Option<bool>("--stdin", "-i") { Description = "give it this command's standard input" };
        return CommandBuilder.Verb("exec", "run a program in the guest by its agent; ends with the program's exit code", [vm, timeout, stdin, command], async (invocation, cancellationToken) =>
        {
            var request = new VmExecRequest
            {
                Command = invocation.Value(command),
                TimeoutSeconds = invocation.Value(timeout),
                Input = invocation.Value(stdin) ? await Console.In.ReadToEndAsync(cancellationToken) : null,
            };
            var result = await invocation.Client.Vms.ExecAsync(invocation.Value(vm), request, cancellationToken);
            if (invocation.Printer.Format != Output.OutputFormat.Table)
            {
                invocation.Printer.Show(result, ApiJson.Default.VmExecResult, []);
                return (ExitCode)result.ExitCode;
            }

            await Console.Out.WriteAsync(result.Output);
            await Console.Error.WriteAsync(result.Error);
            if (result.Truncated) invocation.Say("(the output was longer and is cut)");
            return (ExitCode)(result.Signal is { } signal ? 128 + signal : result.ExitCode);
        });
    }
}
