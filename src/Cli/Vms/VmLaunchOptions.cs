using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Connection;

namespace Lamina.Cli.Vms;

/// <summary>The options of <c>vm create</c> and <c>vm launch</c>, and how they become a request.</summary>
internal sealed class VmLaunchOptions
{
    public readonly Argument<string> Name = new("name") { Description = "a name unique in the project" };
    private readonly Option<string?> image = new("--image") { Description = "image for the first disk", HelpName = "name" };
    private readonly Option<string?> template = new("--template") { Description = "make it a linked clone of this template", HelpName = "vm" };
    private readonly Option<int?> cpus = new("--cpus") { Description = "virtual CPUs (default 1)", HelpName = "n" };
    private readonly Option<int?> maxCpus = new("--max-cpus") { Description = "how many CPUs it can get while it runs (default: as many as the host)", HelpName = "n" };
    private readonly Option<string?> maxMemory = new("--max-memory") { Description = "how far its memory can grow while it runs", HelpName = "size" };
    private readonly Option<string?> memory = new("--memory") { Description = "for example 2GiB (default 512MiB)", HelpName = "size" };
    private readonly Option<string?> memoryMin = new("--memory-min") { Description = "below this the balloon never takes it (default: half)", HelpName = "size" };
    private readonly Option<bool> mergeMemory = new("--merge-memory") { Description = "let the kernel keep once what is the same in several such guests (KSM)" };
    private readonly Option<string[]> disk = DiskOption.Make();
    private readonly Option<string?> pool = new("--pool") { Description = "where its disks live that name no other", HelpName = "name" };
    private readonly Option<DiskBus?> diskBus = new("--disk-bus") { Description = "of its disks that name no other: virtio, scsi or sata", HelpName = "virtio|scsi|sata" };
    private readonly Option<string[]> iso = new("--iso") { Description = "ISO for a CD-ROM drive: an uploaded name, or a file to upload", HelpName = "name|./file" };
    private readonly Option<string?> floppy = new("--floppy") { Description = "floppy image: an uploaded name, or a file to upload", HelpName = "name|./file" };
    private readonly Option<string?> kernel = new("--kernel") { Description = "boot this kernel directly", HelpName = "name|./file" };
    private readonly Option<string?> initrd = new("--initrd") { Description = "initial RAM disk for --kernel", HelpName = "name|./file" };
    private readonly Option<string?> commandLine = new("--append") { Description = "command line for --kernel", HelpName = "text" };
    private readonly Option<string?> os = new("--os") { Description = "the guest's system, such as debian12 or win11: its advice fills in what is not named (default: what the ISO tells; none: no advice)", HelpName = "id" };
    private readonly Option<bool?> secureBoot = new("--secure-boot") { Description = "the firmware runs only what is signed; means uefi", HelpName = "true|false" };
    private readonly Option<bool?> tpm = new("--tpm") { Description = "a TPM 2.0", HelpName = "true|false" };
    private readonly Option<VmClock?> clock = new("--clock") { Description = "utc or localTime", HelpName = "utc|localTime" };
    private readonly Option<WatchdogAction?> watchdog = new("--watchdog") { Description = "a watchdog device, and what follows when the guest does not feed it", HelpName = "reset|powerOff|pause|none" };
    private readonly Option<bool> bootMenu = new("--boot-menu") { Description = "let the firmware wait for a key that opens its menu" };
    private readonly Option<CdromBus?> cdromBus = new("--cdrom-bus") { Description = "scsi or sata", HelpName = "scsi|sata" };
    private readonly Option<VmFirmware?> firmware = new("--firmware") { Description = "bios or uefi", HelpName = "bios|uefi" };
    private readonly Option<string[]> network = new("--network") { Description = "network for a NIC; user for user-mode, none for no NIC (default: default)", HelpName = "name|user|none" };
    private readonly Option<string[]> nic = NicOption.Make();
    private readonly CloudInitOptions cloudInit = new();
    private readonly Option<RestartPolicy?> restart = new("--restart") { Description = "after a crash: never, onFailure or always", HelpName = "never|onFailure|always" };
    private readonly Option<bool> autostart = new("--autostart") { Description = "start it with the host" };
    private readonly Option<string?> notes = new("--notes") { Description = "what it is for", HelpName = "text" };
    private readonly Option<string[]> tag = new("--tag") { Description = "a tag; may be repeated", HelpName = "tag" };
    private readonly Option<bool> dryRun = new("--dry-run") { Description = "only say what it would be, what it takes, and where it would land" };

    public IEnumerable<Symbol> All =>
    [
        Name, image, template, cpus, maxCpus, memory, maxMemory, memoryMin, mergeMemory, disk, pool, diskBus, iso, floppy, kernel, initrd, commandLine, os, firmware, secureBoot, tpm, clock, watchdog, bootMenu, cdromBus, network, nic,
        .. cloudInit.All, restart, autostart, notes, tag, dryRun,
    ];

    /// <summary>Reads the files that are named, uploads those that are media, and makes the request.</summary>
    public async Task<VmCreate> ReadAsync(Invocation invocation, bool start, CancellationToken cancellationToken)
    {
        var media = new LocalMedia(invocation);
        return new VmCreate
        {
            Name = invocation.Value(Name),
            Image = invocation.Value(image),
            Cpus = invocation.Value(cpus),
            MaxCpus = invocation.Value(maxCpus),
            MemoryMiB = SizeOptions.MemoryMiB(memory, invocation),
            MaxMemoryMiB = SizeOptions.MemoryMiB(maxMemory, invocation),
            MemoryMinMiB = SizeOptions.MemoryMiB(memoryMin, invocation),
            MergeMemory = invocation.Value(mergeMemory),
            Disks = DiskOption.Read(invocation.Value(disk) ?? [], invocation.Value(image), invocation.Value(pool), invocation.Value(diskBus)),
            Isos = await media.ResolveAllAsync(invocation.Value(iso) ?? [], IsoKind.Iso, cancellationToken),
            Floppy = await media.ResolveAsync(invocation.Value(floppy), IsoKind.Floppy, cancellationToken),
            Kernel = await KernelAsync(invocation, media, cancellationToken),
            OperatingSystem = invocation.Value(os),
            Firmware = invocation.Value(firmware),
            SecureBoot = invocation.Value(secureBoot),
            Tpm = invocation.Value(tpm),
            Clock = invocation.Value(clock),
            Watchdog = invocation.Value(watchdog),
            BootMenu = invocation.Value(bootMenu) ? true : null,
            CdromBus = invocation.Value(cdromBus),
            Nics = Nics(invocation.Value(network) ?? [], invocation.Value(nic) ?? []),
            CloudInit = await cloudInit.ReadAsync(invocation, cancellationToken),
            Restart = invocation.Value(restart),
            Autostart = invocation.Value(autostart) ? new VmAutostart { Enabled = true } : null,
            Notes = invocation.Value(notes),
            Tags = invocation.Value(tag) is { Length: > 0 } tags ? tags : null,
            Start = start,
        };
    }

    /// <summary>Nothing is to be made; media that are files are not uploaded for that.</summary>
    /// <exception cref="CliException">A medium is a file.</exception>
    public bool IsDryRun(Invocation invocation)
    {
        if (!invocation.Value(dryRun)) return false;
        string?[] media = [.. invocation.Value(iso) ?? [], invocation.Value(floppy), invocation.Value(kernel), invocation.Value(initrd)];
        if (media.FirstOrDefault(value => value is not null && LocalMedia.IsFile(value)) is { } file)
            throw new CliException(ExitCode.Usage, $"{file} is a file, and --dry-run uploads nothing", "name a medium that is there, or upload it first: lamina iso upload --help");
        return true;
    }

    /// <summary>The VM of which a linked clone is wanted; null: none.</summary>
    public string? TemplateOf(Invocation invocation) => invocation.Value(template);

    /// <summary>The request for a linked clone; what the template decides cannot be named.</summary>
    public async Task<VmClone> ReadCloneAsync(Invocation invocation, bool start, CancellationToken cancellationToken)
    {
        Option[] possible = [template, cpus, memory, pool, .. cloudInit.All, notes, tag];
        if (All.OfType<Option>().Except(possible).FirstOrDefault(invocation.Has) is { } other)
            throw new CliException(ExitCode.Usage, $"{other.Name} does not go with --template, which brings its own", "change the clone afterwards: lamina vm set --help");
        return new VmClone
        {
            Name = invocation.Value(Name),
            Linked = true,
            Pool = invocation.Value(pool),
            Cpus = invocation.Value(cpus),
            MemoryMiB = SizeOptions.MemoryMiB(memory, invocation),
            CloudInit = await cloudInit.ReadAsync(invocation, cancellationToken),
            Notes = invocation.Value(notes),
            Tags = invocation.Value(tag) is { Length: > 0 } tags ? tags : null,
            Start = start,
        };
    }

    private async Task<VmKernel?> KernelAsync(Invocation invocation, LocalMedia media, CancellationToken cancellationToken)
    {
        if (await media.ResolveAsync(invocation.Value(kernel), IsoKind.Kernel, cancellationToken) is not { } name)
        {
            if (invocation.Has(initrd) || invocation.Has(commandLine)) throw new CliException(ExitCode.Usage, "--initrd and --append go with --kernel");
            return null;
        }

        return new VmKernel
        {
            Kernel = name,
            Initrd = await media.ResolveAsync(invocation.Value(initrd), IsoKind.Initrd, cancellationToken),
            CommandLine = invocation.Value(commandLine),
        };
    }

    private static List<VmNicCreate>? Nics(string[] networks, string[] nics) => (networks, nics) switch
    {
        ([], []) => null,
        (["none"], []) => [],
        _ => [.. networks.Concat(nics).Select(NicOption.Parse)],
    };
}
