using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary><c>vm cdrom insert|eject|add|remove</c></summary>
internal static class VmCdromCommands
{
    public static Command Build() => CommandBuilder.Noun("cdrom", "its CD-ROM drives, also while it runs", Insert(), Eject(), Add(), Remove());

    private static Command Insert()
    {
        var vm = VmArgument.Create();
        var iso = new Argument<string>("iso") { Description = "an uploaded name, or a file to upload" };
        var drive = Drive();
        var force = Force();
        return CommandBuilder.Verb("insert", "put a medium into a drive; without one, a drive is added", [vm, iso, drive, force], async (invocation, cancellationToken) =>
        {
            string name = invocation.Value(vm);
            string medium = (await new LocalMedia(invocation).ResolveAsync(invocation.Value(iso), IsoKind.Iso, cancellationToken))!;
            var drives = (await invocation.Client.Vms.GetAsync(name, cancellationToken)).Value.Spec.Cdroms;
            int? slot = invocation.Value(drive) ?? drives.Where(known => known.Iso is null).Select(known => (int?)known.Slot).FirstOrDefault();
            if (slot is null && drives.Count > 0)
                throw new CliException(ExitCode.Usage, $"every drive of {name} has a medium", $"name the drive whose medium is to be changed: --drive {drives[0].Slot}");
            var operation = slot is { } chosen
                ? await invocation.Client.VmDevices.InsertAsync(name, chosen, medium, invocation.Value(force), cancellationToken)
                : await invocation.Client.VmDevices.AddCdromAsync(name, new VmCdromChange { Iso = medium }, cancellationToken);
            return await VmDeviceCommands.FinishAsync(invocation, operation, $"{medium} is in {(slot is null ? "a new drive" : $"drive {slot}")} of {name}", cancellationToken);
        });
    }

    private static Command Eject()
    {
        var vm = VmArgument.Create();
        var slot = new Option<int?>("--drive") { Description = "its slot (default: the one with a medium)", HelpName = "slot" };
        var force = Force();
        return CommandBuilder.Verb("eject", "take the medium out of a drive", [vm, slot, force], async (invocation, cancellationToken) =>
        {
            string name = invocation.Value(vm);
            var full = (await invocation.Client.Vms.GetAsync(name, cancellationToken)).Value.Spec.Cdroms.Where(known => known.Iso is not null).ToList();
            if (invocation.Value(slot) is null && full.Count != 1)
                throw new CliException(ExitCode.Usage, full.Count == 0 ? $"no drive of {name} has a medium" : $"{full.Count} drives of {name} have a medium", $"lamina vm show {name}");
            int drive = invocation.Value(slot) ?? full[0].Slot;
            var operation = await invocation.Client.VmDevices.EjectAsync(name, drive, invocation.Value(force), cancellationToken);
            return await VmDeviceCommands.FinishAsync(invocation, operation, $"drive {drive} of {name} is empty", cancellationToken);
        });
    }

    private static Command Add()
    {
        var vm = VmArgument.Create();
        return CommandBuilder.Verb("add", "plug in an empty drive", [vm], async (invocation, cancellationToken) =>
        {
            var operation = await invocation.Client.VmDevices.AddCdromAsync(invocation.Value(vm), new VmCdromChange(), cancellationToken);
            return await VmDeviceCommands.FinishAsync(invocation, operation, $"{invocation.Value(vm)} has a further drive", cancellationToken);
        });
    }

    private static Command Remove()
    {
        var vm = VmArgument.Create();
        var slot = VmDeviceCommands.Slot("drive");
        return CommandBuilder.Verb("remove", "unplug a drive", [vm, slot], async (invocation, cancellationToken) =>
        {
            var operation = await invocation.Client.VmDevices.RemoveCdromAsync(invocation.Value(vm), invocation.Value(slot), cancellationToken);
            return await VmDeviceCommands.FinishAsync(invocation, operation, $"drive {invocation.Value(slot)} of {invocation.Value(vm)} is removed", cancellationToken);
        });
    }

    private static Option<int?> Drive() => new("--drive") { Description = "its slot (default: the first empty one)", HelpName = "slot" };

    private static Option<bool> Force() => new("--force") { Description = "also when the guest holds the tray" };
}
