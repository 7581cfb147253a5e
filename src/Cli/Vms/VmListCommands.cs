using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Vms;

/// <summary><c>lamina vm list</c>, <c>lamina vm show</c></summary>
internal static class VmListCommands
{
    public static Command List()
    {
        var state = new Option<VmState?>("--state") { Description = "only those in this state", HelpName = "running|stopped|…" };
        var tag = new Option<string?>("--tag") { Description = "only those with this tag", HelpName = "tag" };
        var name = new Option<string?>("--name") { Description = "only those whose name contains this", HelpName = "text" };
        var templates = new Option<bool>("--templates") { Description = "only templates" };
        return CommandBuilder.Verb("list", "the virtual machines of the project", [state, tag, name, templates], async (invocation, cancellationToken) =>
        {
            var filter = new VmFilter(invocation.Value(state), invocation.Value(tag), invocation.Value(name), invocation.Value(templates));
            var vms = await invocation.Client.Vms.ListAsync(cancellationToken).Where(filter.Matches).ToListAsync(cancellationToken);
            var names = invocation.Printer.Format is OutputFormat.Table or OutputFormat.Csv ? await ObjectNames.OfHostsAsync(invocation.Client, cancellationToken) : new ObjectNames();
            invocation.Printer.List(vms, ApiJson.Default.Vm, VmColumns.List(names));
        });
    }

    public static Command Show()
    {
        var vm = VmArgument.Create();
        return CommandBuilder.Verb("show", "everything about one", [vm], async (invocation, cancellationToken) =>
        {
            var answer = await invocation.Client.Vms.GetAsync(invocation.Value(vm), cancellationToken);
            var names = await ObjectNames.OfAllAsync(invocation.Client, cancellationToken);
            invocation.Printer.Show(answer.Value, ApiJson.Default.Vm, VmColumns.Show(names));
        });
    }

    private sealed record VmFilter(VmState? State, string? Tag, string? Name, bool OnlyTemplates)
    {
        public bool Matches(Vm vm) =>
            (!OnlyTemplates || vm.Spec.Template)
            && (State is null || vm.Status?.State == State)
            && (Tag is null || vm.Spec.Tags.Contains(Tag))
            && (Name is null || vm.Name.Contains(Name, StringComparison.OrdinalIgnoreCase));
    }
}
