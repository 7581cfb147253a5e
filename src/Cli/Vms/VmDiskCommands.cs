using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary><c>vm disk add|attach|detach|resize|set</c>, and <c>disk attach|detach</c>, which begin with the disk</summary>
internal static class VmDiskCommands
{
    public static Command Build() => CommandBuilder.Noun("disk", "its disks, also while it runs", Add(), Attach(), Detach(), Resize(), Set());

    /// <summary><c>disk attach</c>: as <c>vm disk attach</c>, for those who think of the disk first.</summary>
    public static Command AttachDisk() => Attach(diskFirst: true);

    /// <summary><c>disk detach</c>: the VM is the one that has the disk, unless it is named.</summary>
    public static Command DetachDisk()
    {
        var disk = new Argument<string>("disk") { Description = "name or id" };
        var vm = VmArgument.Create();
        vm.Description = "name or id of the VM that is to have it; left out: whichever has it";
        vm.Arity = ArgumentArity.ZeroOrOne;
        var delete = Delete();
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("detach", "unplug it from its VM; it stays, as a disk of its own", [disk, vm, delete, yes], async (invocation, cancellationToken) =>
        {
            string name = invocation.Optional(vm) ?? await OwnerAsync(invocation, invocation.Value(disk), cancellationToken);
            return await DetachAsync(invocation, name, invocation.Value(disk), invocation.Value(delete), invocation.Value(yes), cancellationToken);
        });
    }

    private static Command Add()
    {
        var vm = VmArgument.Create();
        var size = new Option<string?>("--size") { Description = "for example 10GiB (default: the image's)", HelpName = "size" };
        var image = new Option<string?>("--image") { Description = "make it from this image", HelpName = "name" };
        var pool = new Option<string?>("--pool") { Description = "where it lives", HelpName = "name" };
        var bus = new Option<DiskBus?>("--bus") { Description = "virtio, scsi or sata", HelpName = "virtio|scsi|sata" };
        var format = new Option<DiskFormat?>("--format") { Description = "qcow2 or raw", HelpName = "qcow2|raw" };
        return CommandBuilder.Verb("add", "make a disk and plug it in", [vm, size, image, pool, bus, format], async (invocation, cancellationToken) =>
        {
            var add = new VmDiskAdd
            {
                SizeBytes = invocation.Value(size) is { } text ? SizeOptions.Bytes("--size", text) : null,
                Image = invocation.Value(image),
                Pool = invocation.Value(pool),
                Bus = invocation.Value(bus),
                Format = invocation.Value(format),
            };
            var operation = await invocation.Client.VmDevices.AddDiskAsync(invocation.Value(vm), add, cancellationToken);
            return await VmDeviceCommands.FinishAsync(invocation, operation, $"{invocation.Value(vm)} has a further disk", cancellationToken);
        });
    }

    private static Command Attach(bool diskFirst = false)
    {
        var vm = VmArgument.Create();
        var disk = new Argument<string>("disk") { Description = "name or id of a disk that belongs to no VM" };
        var bus = new Option<DiskBus?>("--bus") { Description = "virtio, scsi or sata", HelpName = "virtio|scsi|sata" };
        var readOnly = new Option<bool>("--read-only") { Description = "the guest cannot write to it" };
        Symbol[] symbols = diskFirst ? [disk, vm, bus, readOnly] : [vm, disk, bus, readOnly];
        return CommandBuilder.Verb("attach", diskFirst ? "plug it into a VM" : "plug in a disk that is there", symbols, async (invocation, cancellationToken) =>
        {
            var add = new VmDiskAdd { Disk = invocation.Value(disk), Bus = invocation.Value(bus), ReadOnly = invocation.Value(readOnly) ? true : null };
            var operation = await invocation.Client.VmDevices.AddDiskAsync(invocation.Value(vm), add, cancellationToken);
            return await VmDeviceCommands.FinishAsync(invocation, operation, $"{invocation.Value(vm)} has disk {invocation.Value(disk)}", cancellationToken);
        });
    }

    private static Command Detach()
    {
        var vm = VmArgument.Create();
        var disk = Disk();
        var delete = Delete();
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("detach", "unplug a disk; it stays, as a disk of its own", [vm, disk, delete, yes], (invocation, cancellationToken) =>
            DetachAsync(invocation, invocation.Value(vm), invocation.Value(disk), invocation.Value(delete), invocation.Value(yes), cancellationToken));
    }

    private static async Task<ExitCode> DetachAsync(Invocation invocation, string vm, string disk, bool delete, bool yes, CancellationToken cancellationToken)
    {
        if (delete) Terminal.Confirm($"Delete disk {disk} of {vm} with all it holds?", yes);
        var operation = await invocation.Client.VmDevices.DetachDiskAsync(vm, disk, delete, cancellationToken);
        return await VmDeviceCommands.FinishAsync(invocation, operation, $"disk {disk} of {vm} is {(delete ? "deleted" : "detached")}", cancellationToken);
    }

    private static async Task<string> OwnerAsync(Invocation invocation, string disk, CancellationToken cancellationToken)
    {
        var known = (await invocation.Client.Disks.GetAsync(disk, cancellationToken)).Value;
        if (known.Spec.Vm is not { } owner) throw new CliException(ExitCode.Conflict, $"disk {known.Name} belongs to no VM", "lamina disk list shows which VM has which disk");
        return (await ObjectNames.OfVmsAsync(invocation.Client, cancellationToken)).Of(owner);
    }

    private static Command Resize()
    {
        var vm = VmArgument.Create();
        var disk = Disk();
        var size = new Argument<string>("size") { Description = "for example 20GiB; disks only grow" };
        return CommandBuilder.Verb("resize", "make a disk larger", [vm, disk, size], async (invocation, cancellationToken) =>
        {
            var update = new VmDiskUpdate { SizeBytes = SizeOptions.Bytes("size", invocation.Value(size)) };
            var operation = await invocation.Client.VmDevices.UpdateDiskAsync(invocation.Value(vm), invocation.Value(disk), update, cancellationToken);
            return await VmDeviceCommands.FinishAsync(invocation, operation, $"disk {invocation.Value(disk)} of {invocation.Value(vm)} has {invocation.Value(size)}", cancellationToken);
        });
    }

    private static Command Set()
    {
        var vm = VmArgument.Create();
        var disk = Disk();
        var iops = Limit("--iops", "most requests a second; 0 for no limit", "n");
        var iopsRead = Limit("--iops-read", "of reads alone", "n");
        var iopsWrite = Limit("--iops-write", "of writes alone", "n");
        var mbps = Limit("--mbps", "most megabytes (10^6 bytes) a second; 0 for no limit", "n");
        var mbpsRead = Limit("--mbps-read", "of reads alone", "n");
        var mbpsWrite = Limit("--mbps-write", "of writes alone", "n");
        var isProtected = new Option<bool?>("--protected") { Description = "refuse its deletion: true or false", HelpName = "true|false" };
        return CommandBuilder.Verb(
            "set", "limit what a disk may do, or protect it from deletion", [vm, disk, iops, iopsRead, iopsWrite, mbps, mbpsRead, mbpsWrite, isProtected],
            async (invocation, cancellationToken) =>
            {
                long? Bytes(Option<long?> option) => invocation.Value(option) is { } megabytes ? megabytes * 1_000_000 : null;
                var limits = new DiskLimits
                {
                    Iops = invocation.Value(iops),
                    IopsRead = invocation.Value(iopsRead),
                    IopsWrite = invocation.Value(iopsWrite),
                    BytesPerSecond = Bytes(mbps),
                    BytesPerSecondRead = Bytes(mbpsRead),
                    BytesPerSecondWrite = Bytes(mbpsWrite),
                };
                var update = new VmDiskUpdate { Limits = limits == new DiskLimits() ? null : limits, Protected = invocation.Value(isProtected) };
                if (update == new VmDiskUpdate()) throw new CliException(ExitCode.Usage, "nothing to change was named", "lamina vm disk set --help");
                var operation = await invocation.Client.VmDevices.UpdateDiskAsync(invocation.Value(vm), invocation.Value(disk), update, cancellationToken);
                return await VmDeviceCommands.FinishAsync(invocation, operation, $"disk {invocation.Value(disk)} of {invocation.Value(vm)} is changed", cancellationToken);
            });
    }

    private static Argument<string> Disk() => new("disk") { Description = "slot, name or id" };

    private static Option<bool> Delete() => new("--delete") { Description = "delete it with all it holds" };

    private static Option<long?> Limit(string name, string description, string help) => new(name) { Description = description, HelpName = help };
}
