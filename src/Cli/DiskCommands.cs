using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina disk …</c></summary>
internal static class DiskCommands
{
    private static readonly IReadOnlyList<Column<Orphan>> OrphanColumns =
    [
        new("pool", o => o.Pool),
        new("kind", o => o.Kind),
        new("allocated", o => Sizes.Format(o.AllocatedBytes), AlignRight: true),
        new("disk or path", o => o.Path),
    ];

    /// <param name="attach">The verb that plugs one into a VM: it speaks to the VM.</param>
    /// <param name="detach">Its counterpart.</param>
    public static Command Build(Command attach, Command detach) =>
        CommandBuilder.Noun("disk", "virtual disks", List(), Show(), Create(), Rename(), Resize(), attach, detach, Move(), Delete());

    private static IReadOnlyList<Column<Disk>> Columns(ObjectNames names) =>
    [
        new("name", d => d.Name),
        new("vm", d => d.Spec.Vm is { } vm ? names.Of(vm) : null),
        new("size", d => Sizes.Format(d.Spec.SizeBytes), AlignRight: true),
        new("allocated", d => d.Status is { } s ? Sizes.Format(s.AllocatedBytes) : null, AlignRight: true),
        new("pool", d => names.Of(d.Spec.Pool)),
        new("format", d => d.Spec.Format.ToString().ToLowerInvariant()),
        new("layers", d => Math.Max(1, d.Status?.Layers.Count ?? 1).ToString(), AlignRight: true),
        new("state", State),
        new("id", d => d.Id),
    ];

    private static IReadOnlyList<Column<Disk>> Fields(ObjectNames names) =>
    [
        new("name", d => d.Name),
        new("id", d => d.Id),
        new("project", d => d.Project),
        new("state", State),
        new("failure", d => d.Status?.Failure?.Message),
        new("vm", d => d.Spec.Vm is { } vm ? names.Of(vm) : null),
        new("size", Size),
        new("allocated", d => d.Status is { } s ? Sizes.Format(s.AllocatedBytes) : null),
        new("pool", d => names.Of(d.Spec.Pool)),
        new("format", d => d.Spec.Format.ToString().ToLowerInvariant()),
        new("made from", d => d.Spec.Image is { } image ? $"image {names.Of(image)}" : d.Spec.Base is { } below ? $"linked clone of {names.Of(below.Disk)} (layer {below.Layer})" : null),
        new("layers", d => string.Join("\n", (d.Status?.Layers ?? []).Select(layer => $"{layer.Id}{(layer.Parent is null ? "" : $" on {layer.Parent}")}{(layer.Id == d.Status!.Active ? " (written)" : "")}"))),
        new("notes", d => d.Spec.Notes),
        new("created", d => Times.Absolute(d.Spec.CreatedAt)),
    ];

    private static Command List()
    {
        var orphans = new Option<bool>("--orphans") { Description = "disks without a VM, and folders in pools that no record speaks of" };
        var host = new Option<string?>("--host") { Description = "with --orphans: the host whose pools are looked through (default: the one that is asked)", HelpName = "name" };
        return CommandBuilder.Verb("list", "the disks of the project", [orphans, host], async (invocation, cancellationToken) =>
        {
            var names = await ObjectNames.OfDisksAsync(invocation.Client, cancellationToken);
            var disks = await invocation.Client.Disks.ListAsync(cancellationToken).ToListAsync(cancellationToken);
            if (!invocation.Value(orphans))
            {
                invocation.Printer.List(disks, ApiJson.Default.Disk, Columns(names));
                return;
            }

            var folders = await invocation.Client.Disks.ListOrphansAsync(invocation.Value(host), cancellationToken).ToListAsync(cancellationToken);
            invocation.Printer.List([.. disks.Where(disk => disk.Spec.Vm is null).Select(disk => WithoutVm(disk, names)), .. folders], ApiJson.Default.Orphan, OrphanColumns);
        });
    }

    /// <summary>One that has a record, so that it is named by it.</summary>
    private static Orphan WithoutVm(Disk disk, ObjectNames names) =>
        new() { Pool = names.Of(disk.Spec.Pool), Kind = "disk without a VM", Path = disk.Name, AllocatedBytes = disk.Status?.AllocatedBytes ?? 0 };

    private static Command Show()
    {
        var disk = new Argument<string>("disk");
        return CommandBuilder.Verb("show", "everything about one", [disk], async (invocation, cancellationToken) =>
        {
            var names = await ObjectNames.OfDisksAsync(invocation.Client, cancellationToken);
            invocation.Printer.Show((await invocation.Client.Disks.GetAsync(invocation.Value(disk), cancellationToken)).Value, ApiJson.Default.Disk, Fields(names));
        });
    }

    private static Command Create()
    {
        var name = new Argument<string>("name");
        var size = new Option<string?>("--size") { Description = "for example 20GiB; with an image at least the image's", HelpName = "size" };
        var pool = new Option<string?>("--pool") { Description = "where it lives", HelpName = "name" };
        var image = new Option<string?>("--image") { Description = "make it from this image", HelpName = "name" };
        var format = new Option<DiskFormat?>("--disk-format") { Description = "qcow2 (default) or raw", HelpName = "qcow2|raw" };
        var notes = new Option<string?>("--notes") { Description = "what it is for", HelpName = "text" };
        return CommandBuilder.Verb("create", "make one that belongs to no VM yet", [name, size, pool, image, format, notes], async (invocation, cancellationToken) =>
        {
            var create = new DiskCreate
            {
                Name = invocation.Value(name),
                SizeBytes = invocation.Value(size) is { } text ? SizeOptions.Bytes(size.Name, text) : null,
                Pool = invocation.Value(pool),
                Image = invocation.Value(image),
                Format = invocation.Value(format),
                Notes = invocation.Value(notes),
            };
            var operation = await invocation.Client.Disks.CreateAsync(create, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"disk {create.Name} is made", cancellationToken);
        });
    }

    private static Command Rename()
    {
        var disk = new Argument<string>("disk");
        var to = new Argument<string>("new-name");
        return CommandBuilder.Verb("rename", "give it another name", [disk, to], async (invocation, cancellationToken) =>
        {
            await invocation.Client.Disks.UpdateAsync(invocation.Value(disk), new DiskUpdate { Name = invocation.Value(to) }, ifMatch: null, cancellationToken);
            invocation.Say($"{invocation.Value(disk)} is now {invocation.Value(to)}");
        });
    }

    private static Command Resize()
    {
        var disk = new Argument<string>("disk");
        var size = new Argument<string>("size") { Description = "what it shall have, for example 40GiB; a disk only grows" };
        return CommandBuilder.Verb("resize", "let it grow", [disk, size], async (invocation, cancellationToken) =>
        {
            var update = new DiskUpdate { SizeBytes = SizeOptions.Bytes("size", invocation.Value(size)) };
            var changed = await invocation.Client.Disks.UpdateAsync(invocation.Value(disk), update, ifMatch: null, cancellationToken);
            invocation.Say($"{changed.Name} has {Sizes.Format(changed.Spec.SizeBytes)}{(changed.Spec.Vm is null ? "" : "; a running guest sees it at once where its QEMU takes it, else at the next start")}");
        });
    }

    private static Command Move()
    {
        var disk = new Argument<string>("disk");
        var pool = new Option<string>("--pool") { Description = "where it shall lie", HelpName = "name", Required = true };
        return CommandBuilder.Verb("move", "move it to another pool, also while its VM runs", [disk, pool], async (invocation, cancellationToken) =>
        {
            string name = invocation.Value(disk);
            var operation = await invocation.Client.Disks.MoveAsync(name, new DiskMove { Pool = invocation.Value(pool)! }, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"disk {name} lies in pool {invocation.Value(pool)} now", cancellationToken);
        });
    }

    private static Command Delete()
    {
        var disks = new Argument<string[]>("disk") { Description = "names or ids", Arity = ArgumentArity.OneOrMore };
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("delete", "delete one that belongs to no VM", [disks, yes], async (invocation, cancellationToken) =>
        {
            var names = invocation.Value(disks);
            Terminal.Confirm($"Delete {(names.Length == 1 ? "disk" : "disks")} {string.Join(", ", names)} with everything on {(names.Length == 1 ? "it" : "them")}?", invocation.Value(yes));
            var worst = ExitCode.Done;
            foreach (var name in names)
            {
                var operation = await invocation.Client.Disks.DeleteAsync(name, cancellationToken);
                var outcome = await OperationFollower.FinishAsync(invocation, operation, $"disk {name} is deleted", cancellationToken);
                if (outcome != ExitCode.Done) worst = outcome;
            }

            return worst;
        });
    }

    private static string State(Disk disk) => disk.Spec.Deleting is not null ? "deleting" : (disk.Status?.State ?? ContentState.Preparing).ToString().ToLowerInvariant();

    private static string Size(Disk disk) => disk.Status?.SizeBytes is { } now && now < disk.Spec.SizeBytes
        ? $"{Sizes.Format(disk.Spec.SizeBytes)} (its file has {Sizes.Format(now)} until its VM is started or takes it)"
        : Sizes.Format(disk.Spec.SizeBytes);
}
