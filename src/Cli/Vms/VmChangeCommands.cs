using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary><c>vm set</c>, <c>vm rename</c>, <c>vm delete</c></summary>
internal static class VmChangeCommands
{
    public static Command Set()
    {
        var vm = VmArgument.Create();
        var cpus = new Option<int?>("--cpus") { Description = "virtual CPUs", HelpName = "n" };
        var memory = new Option<string?>("--memory") { Description = "for example 2GiB", HelpName = "size" };
        var memoryMin = new Option<string?>("--memory-min") { Description = "below this the balloon never takes it (default: half)", HelpName = "size" };
        var notes = new Option<string?>("--notes") { Description = "what it is for", HelpName = "text" };
        var tag = new Option<string[]>("--tag") { Description = "add a tag; may be repeated", HelpName = "tag" };
        var untag = new Option<string[]>("--untag") { Description = "take a tag away; may be repeated", HelpName = "tag" };
        var restart = new Option<RestartPolicy?>("--restart") { Description = "after a crash: never, onFailure or always", HelpName = "never|onFailure|always" };
        var autostart = new Option<bool?>("--autostart") { Description = "start it with the host: true or false", HelpName = "true|false" };
        var autostartOrder = new Option<int?>("--autostart-order") { Description = "lower starts earlier", HelpName = "n" };
        var watchdog = new Option<WatchdogAction?>("--watchdog") { Description = "a watchdog device, and what follows when the guest does not feed it", HelpName = "reset|powerOff|pause|none" };
        var bootMenu = new Option<bool?>("--boot-menu") { Description = "let the firmware wait for a key that opens its menu: true or false", HelpName = "true|false" };
        var clock = new Option<VmClock?>("--clock") { Description = "utc or localTime", HelpName = "utc|localTime" };
        var resetNvram = new Option<bool>("--reset-nvram") { Description = "take the UEFI variables back to the template at the next start" };
        var cpuLimit = new Option<int?>("--cpu-limit") { Description = "upper bound of CPU time in percent of one core", HelpName = "percent" };
        var cpuWeight = new Option<int?>("--cpu-weight") { Description = "its share of busy CPUs, 1 to 10000 (100 is the usual one)", HelpName = "n" };
        var maxCpus = new Option<int?>("--max-cpus") { Description = "how many CPUs it can get while it runs", HelpName = "n" };
        var maxMemory = new Option<string?>("--max-memory") { Description = "how far its memory can grow while it runs", HelpName = "size" };
        var boot = new Option<string?>("--boot") { Description = "boot order, such as disk0,cd0,nic0", HelpName = "devices" };
        var isProtected = new Option<bool?>("--protected") { Description = "refuse its deletion: true or false", HelpName = "true|false" };
        return CommandBuilder.Verb(
            "set",
            "change it; what a running guest cannot take is shown as pending",
            [vm, cpus, memory, memoryMin, notes, tag, untag, restart, autostart, autostartOrder, watchdog, bootMenu, clock, resetNvram, cpuLimit, cpuWeight, maxCpus, maxMemory, boot, isProtected],
            async (invocation, cancellationToken) =>
            {
                var name = invocation.Value(vm);
                var seen = await invocation.Client.Vms.GetAsync(name, cancellationToken);
                var spec = seen.Value.Spec;
                var update = new VmUpdate
                {
                    Cpus = invocation.Value(cpus),
                    MemoryMiB = SizeOptions.MemoryMiB(memory, invocation),
                    MemoryMinMiB = SizeOptions.MemoryMiB(memoryMin, invocation),
                    Notes = invocation.Value(notes),
                    Tags = Tags(spec.Tags, invocation.Value(tag) ?? [], invocation.Value(untag) ?? []),
                    Restart = invocation.Value(restart),
                    Autostart = Autostart(spec.Autostart, invocation.Value(autostart), invocation.Value(autostartOrder)),
                    Watchdog = invocation.Value(watchdog),
                    BootMenu = invocation.Value(bootMenu),
                    Clock = invocation.Value(clock),
                    ResetNvram = invocation.Value(resetNvram) ? true : null,
                    Limits = Limits(spec.Limits, invocation.Value(cpuLimit), invocation.Value(cpuWeight)),
                    MaxCpus = invocation.Value(maxCpus),
                    MaxMemoryMiB = SizeOptions.MemoryMiB(maxMemory, invocation),
                    Boot = invocation.Value(boot)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
                    Protected = invocation.Value(isProtected),
                };
                if (update == new VmUpdate()) throw new CliException(ExitCode.Usage, "nothing to change was named", "lamina vm set --help");
                var changed = await invocation.Client.Vms.UpdateAsync(name, update, seen.ETag, cancellationToken);
                return await ReportAsync(invocation, changed, cancellationToken);
            });
    }

    public static Command Rename()
    {
        var vm = VmArgument.Create();
        var to = new Argument<string>("new-name");
        return CommandBuilder.Verb("rename", "give it another name", [vm, to], async (invocation, cancellationToken) =>
        {
            await invocation.Client.Vms.UpdateAsync(invocation.Value(vm), new VmUpdate { Name = invocation.Value(to) }, ifMatch: null, cancellationToken);
            invocation.Say($"{invocation.Value(vm)} is now {invocation.Value(to)}");
        });
    }

    public static Command Delete()
    {
        var vms = new Argument<string[]>("vm") { Description = "names or ids", Arity = ArgumentArity.OneOrMore };
        var force = new Option<bool>("--force") { Description = "also a running one: its power is cut" };
        var keepDisks = new Option<bool>("--keep-disks") { Description = "its disks stay, as disks of their own" };
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("delete", "delete it and its disks", [vms, force, keepDisks, yes], async (invocation, cancellationToken) =>
        {
            var names = invocation.Value(vms);
            string disks = invocation.Value(keepDisks) ? ", and keep the disks" : $" and all disks of {(names.Length == 1 ? "it" : "them")}";
            Terminal.Confirm($"Delete {string.Join(", ", names)}{disks}?", invocation.Value(yes));
            var worst = ExitCode.Done;
            foreach (var name in names)
            {
                var operation = await invocation.Client.Vms.DeleteAsync(name, invocation.Value(force), invocation.Value(keepDisks), cancellationToken);
                var outcome = await OperationFollower.FinishAsync(invocation, operation, $"{name} is deleted", cancellationToken);
                if (outcome != ExitCode.Done) worst = outcome;
            }

            return worst;
        });
    }

    private static VmLimits? Limits(VmLimits? now, int? percent, int? weight) => percent is null && weight is null ? null
        : (now ?? new VmLimits()) with { CpuPercent = percent ?? now?.CpuPercent, CpuWeight = weight ?? now?.CpuWeight };

    private static List<string>? Tags(IReadOnlyList<string> now, string[] added, string[] removed) =>
        added.Length + removed.Length == 0 ? null : [.. now.Union(added).Except(removed)];

    private static VmAutostart? Autostart(VmAutostart? now, bool? enabled, int? order)
    {
        if (enabled is null && order is null) return null;
        var known = now ?? new VmAutostart();
        return known with { Enabled = enabled ?? (order is not null || known.Enabled), Order = order ?? known.Order };
    }

    /// <summary>What concerns the machine is done by an operation; a running guest takes it at once where it can.</summary>
    private static async Task<ExitCode> ReportAsync(Invocation invocation, Vm changed, CancellationToken cancellationToken)
    {
        if (changed.Operation is { } id)
            return await VmDeviceCommands.FinishAsync(invocation, await invocation.Client.Operations.GetAsync(id, cancellationToken), $"{changed.Name} is changed", cancellationToken);
        invocation.Say($"{changed.Name} is changed");
        return ExitCode.Done;
    }
}
