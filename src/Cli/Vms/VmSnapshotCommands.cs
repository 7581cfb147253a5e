using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Vms;

/// <summary><c>vm snapshot …</c></summary>
internal static class VmSnapshotCommands
{
    public static Command Build() => CommandBuilder.Noun("snapshot", "what it was, to be brought back", Create(), List(), Show(), Restore(), Delete());

    private static Command Create()
    {
        var vm = VmArgument.Create();
        var snapshot = new Argument<string>("snapshot") { Description = "its name, unique in the VM" };
        var memory = new Option<bool>("--with-memory") { Description = "keep its memory too: a restore goes on where it stood" };
        var quiesce = new Option<bool>("--quiesce") { Description = "have the guest write everything down first, or fail (default: if its agent can)" };
        var loose = new Option<bool>("--no-quiesce") { Description = "do not ask the guest" };
        var description = new Option<string?>("--description") { Description = "what it is for", HelpName = "text" };
        return CommandBuilder.Verb("create", "take one, running or stopped", [vm, snapshot, memory, quiesce, loose, description], async (invocation, cancellationToken) =>
        {
            if (invocation.Value(quiesce) && invocation.Value(loose)) throw new CliException(ExitCode.Usage, "--quiesce and --no-quiesce exclude each other", "name one of them");
            var create = new SnapshotCreate
            {
                Name = invocation.Value(snapshot),
                WithMemory = invocation.Value(memory),
                Quiesce = invocation.Value(quiesce) ? true : invocation.Value(loose) ? false : null,
                Description = invocation.Value(description),
            };
            var operation = await invocation.Client.Snapshots.CreateAsync(invocation.Value(vm), create, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"snapshot {create.Name} of {invocation.Value(vm)} is taken", cancellationToken);
        });
    }

    private static Command List()
    {
        var vm = VmArgument.Create();
        return CommandBuilder.Verb("list", "all of them as a tree; * marks where the VM stands", [vm], async (invocation, cancellationToken) =>
        {
            var all = await invocation.Client.Snapshots.ListAsync(invocation.Value(vm), cancellationToken).ToListAsync(cancellationToken);
            var tree = SnapshotTree.Order(all);
            var depth = tree.ToDictionary(entry => entry.Snapshot.Id, entry => entry.Depth);
            IReadOnlyList<Column<Snapshot>> columns =
            [
                new("name", s => new string(' ', 2 * depth[s.Id]) + s.Name + (s.Current ? " *" : "")),
                .. Columns,
            ];
            invocation.Printer.List([.. tree.Select(entry => entry.Snapshot)], ApiJson.Default.Snapshot, columns);
        });
    }

    private static readonly IReadOnlyList<Column<Snapshot>> Columns =
    [
        new("taken", s => Times.Absolute(s.Status?.TakenAt ?? s.Spec.CreatedAt)),
        new("state", s => s.Spec.Deleting is not null ? "deleting" : (s.Status?.State ?? ContentState.Preparing).ToString().ToLowerInvariant()),
        new("memory", s => s.Status?.Memory is { } memory ? Sizes.Format(memory.SizeBytes) : null, AlignRight: true),
        new("quiesced", s => s.Status is null ? null : s.Status.Quiesced ? "yes" : "no"),
        new("description", s => s.Spec.Description),
    ];

    private static Command Show()
    {
        var vm = VmArgument.Create();
        var snapshot = Snapshot();
        return CommandBuilder.Verb("show", "everything about one", [vm, snapshot], async (invocation, cancellationToken) =>
        {
            var shown = (await invocation.Client.Snapshots.GetAsync(invocation.Value(vm), invocation.Value(snapshot), cancellationToken)).Value;
            IReadOnlyList<Column<Snapshot>> fields =
            [
                new("name", s => s.Name),
                new("id", s => s.Id),
                new("current", s => s.Current ? "yes" : "no"),
                .. Columns,
                new("parent", s => s.Status?.Parent),
                new("disks", s => s.Status is null ? null : string.Join(", ", s.Status.Disks.Select(disk => $"{disk.Slot}: {disk.Disk}"))),
                new("cpus", s => s.Spec.Hardware.Cpus.ToString()),
                new("memory size", s => Sizes.Format((long)s.Spec.Hardware.MemoryMiB << 20)),
            ];
            invocation.Printer.Show(shown, ApiJson.Default.Snapshot, fields);
        });
    }

    private static Command Restore()
    {
        var vm = VmArgument.Create();
        var snapshot = Snapshot();
        var start = new Option<bool>("--start") { Description = "start it afterwards (one whose memory was kept always goes on)" };
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("restore", "make it what it was", [vm, snapshot, start, yes], async (invocation, cancellationToken) =>
        {
            var (name, point) = (invocation.Value(vm), invocation.Value(snapshot));
            Terminal.Confirm($"Make {name} what it was at {point}? What runs in it ends, and what it has written since its last snapshot is lost.", invocation.Value(yes));
            var operation = await invocation.Client.Snapshots.RestoreAsync(name, point, new SnapshotRestore { Start = invocation.Value(start), Discard = true }, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"{name} is what it was at {point}", cancellationToken);
        });
    }

    private static Command Delete()
    {
        var vm = VmArgument.Create();
        var snapshot = Snapshot();
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("delete", "forget one; the VM stays as it is", [vm, snapshot, yes], async (invocation, cancellationToken) =>
        {
            var (name, point) = (invocation.Value(vm), invocation.Value(snapshot));
            Terminal.Confirm($"Delete snapshot {point} of {name}? {name} cannot be made what it was then any more.", invocation.Value(yes));
            var operation = await invocation.Client.Snapshots.DeleteAsync(name, point, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"snapshot {point} of {name} is deleted", cancellationToken);
        });
    }

    private static Argument<string> Snapshot() => new("snapshot") { Description = "its name or id" };
}
