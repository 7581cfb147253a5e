using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary><c>vm clone</c>, <c>vm template</c></summary>
internal static class VmCopyCommands
{
    public static Command Clone()
    {
        var vm = VmArgument.Create();
        var name = new Argument<string>("new-name") { Description = "of the clone" };
        var linked = new Option<bool>("--linked") { Description = "thin disks on top of the frozen ones of a template or snapshot: made in a moment, and bound to them" };
        var snapshot = new Option<string?>("--snapshot") { Description = "clone what it was at this snapshot", HelpName = "name" };
        var pool = new Option<string?>("--pool") { Description = "where its disks live (default: where the source's do)", HelpName = "name" };
        var cpus = new Option<int?>("--cpus") { Description = "virtual CPUs (default: the source's)", HelpName = "n" };
        var memory = new Option<string?>("--memory") { Description = "for example 2GiB (default: the source's)", HelpName = "size" };
        var notes = new Option<string?>("--notes") { Description = "what it is for", HelpName = "text" };
        var tag = new Option<string[]>("--tag") { Description = "a tag; may be repeated", HelpName = "tag" };
        var start = new Option<bool>("--start") { Description = "start it" };
        return CommandBuilder.Verb("clone", "make another one that is as it, with an identity of its own", [vm, name, linked, snapshot, pool, cpus, memory, notes, tag, start], (invocation, cancellationToken) =>
        {
            var clone = new VmClone
            {
                Name = invocation.Value(name),
                Linked = invocation.Value(linked),
                Snapshot = invocation.Value(snapshot),
                Pool = invocation.Value(pool),
                Cpus = invocation.Value(cpus),
                MemoryMiB = SizeOptions.MemoryMiB(memory, invocation),
                Notes = invocation.Value(notes),
                Tags = invocation.Value(tag) is { Length: > 0 } tags ? tags : null,
                Start = invocation.Value(start),
            };
            return CloneAsync(invocation, invocation.Value(vm), clone, cancellationToken);
        });
    }

    public static Command Template()
    {
        var vm = VmArgument.Create();
        var undo = new Option<bool>("--undo") { Description = "make it an ordinary VM again" };
        return CommandBuilder.Verb("template", "freeze a stopped one, so that others are made from it", [vm, undo], async (invocation, cancellationToken) =>
        {
            string name = invocation.Value(vm);
            bool back = invocation.Value(undo);
            await invocation.Client.Vms.SetTemplateAsync(name, new VmTemplateRequest { Undo = back }, cancellationToken);
            invocation.Say(back ? $"{name} is a VM again" : $"{name} is a template: lamina vm launch NAME --template {name}");
        });
    }

    /// <summary>Follows the copying, and then the clone's own operation, which completes or starts it.</summary>
    public static async Task<ExitCode> CloneAsync(Invocation invocation, string vm, VmClone clone, CancellationToken cancellationToken)
    {
        var operation = await invocation.Client.Vms.CloneAsync(vm, clone, cancellationToken);
        string done = $"{clone.Name} {(clone.Start ? "runs" : "is made")}";
        var ended = await OperationFollower.FollowAsync(invocation, operation, cancellationToken);
        if (ended.State is not { Phase: OperationPhase.Succeeded } || (string?)ended.State.Result?["operation"] is not { } next)
            return await OperationFollower.FinishAsync(invocation, ended, done, cancellationToken);
        var second = await invocation.Client.Operations.GetAsync(next, cancellationToken);
        return await OperationFollower.FinishAsync(invocation, second, done, cancellationToken);
    }
}
