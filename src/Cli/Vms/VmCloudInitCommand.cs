using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary><c>vm cloud-init</c></summary>
internal static class VmCloudInitCommand
{
    public static Command Build()
    {
        var vm = VmArgument.Create();
        var options = new CloudInitOptions();
        var again = new Option<bool>("--again") { Description = "let it run again with what it was told before" };
        return CommandBuilder.Verb("cloud-init", "change what its cloud-init is told; it runs again at the guest's next start", [vm, .. options.All, again], async (invocation, cancellationToken) =>
        {
            var update = await options.ReadAsync(invocation, cancellationToken) ?? (invocation.Value(again) ? new CloudInitCreate() : throw new CliException(
                ExitCode.Usage, "nothing to change was named", "lamina vm cloud-init --help; --again lets it run once more as it is"));
            var changed = await invocation.Client.Vms.UpdateCloudInitAsync(invocation.Value(vm), update, cancellationToken);
            bool runs = changed.Status is { State: not VmState.Stopped };
            invocation.Say($"cloud-init of {changed.Name} runs {(runs ? $"when {changed.Name} is started next: a restart from within the guest is not enough" : "at the next start")}");
        });
    }
}
