using System.CommandLine;

namespace Lamina.Cli.Vms;

/// <summary>What lies beneath: the log of a VM and the command line of its QEMU.</summary>
internal static class VmInsightCommands
{
    public static Command Log()
    {
        var vm = VmArgument.Create();
        return CommandBuilder.Verb("log", "what happened to it, and what QEMU said", [vm], async (invocation, cancellationToken) =>
            invocation.Printer.Text(await invocation.Client.Vms.GetLogAsync(invocation.Value(vm), cancellationToken)));
    }

    public static Command QemuArguments()
    {
        var vm = VmArgument.Create();
        return CommandBuilder.Verb("qemu-args", "the command line of its QEMU", [vm], async (invocation, cancellationToken) =>
            invocation.Printer.Text(await invocation.Client.Vms.GetQemuArgumentsAsync(invocation.Value(vm), cancellationToken)));
    }
}
