using Lamina.Api;
using Lamina.Api.Input;

namespace Lamina.Server.Vms.Rules;

/// <summary>The media of a new VM as its spec bears them, by id.</summary>
internal sealed record ResolvedMedia(IReadOnlyList<VmCdrom> Cdroms, string? Floppy, VmKernel? Kernel);

/// <summary>ISOs, floppy, kernel and initrd of a new VM (pure).</summary>
internal static class VmMediaRules
{
    /// <summary>The layout has addresses for 8 drives; the last is the cloud-init seed's.</summary>
    public const int MostCdroms = 7;

    public const int SeedSlot = 7;

    /// <summary>Boot order: floppy, disks, CD-ROMs. An empty disk is passed over, so a new VM boots its installer and later what that installed.</summary>
    public const int FloppyBootIndex = 1;

    public const int FirstDiskBootIndex = 10;

    public const int FirstCdromBootIndex = 50;

    private const int CommandLineLength = 2047;

    public static ResolvedMedia Resolve(VmCreate create, VmLookups lookups, InputProblems problems) => new(
        Cdroms(create, lookups, problems),
        create.Floppy is { } floppy ? Find(floppy, IsoKind.Floppy, "$.floppy", lookups, problems) : null,
        create.Kernel is { } kernel ? Kernel(kernel, lookups, problems) : null);

    private static IReadOnlyList<VmCdrom> Cdroms(VmCreate create, VmLookups lookups, InputProblems problems)
    {
        var isos = create.Isos ?? [];
        if (isos.Count > MostCdroms) problems.Add("$.isos", "vm.tooManyIsos", $"A VM has at most {MostCdroms} CD-ROM drives; these are {isos.Count}.");
        var cdroms = new List<VmCdrom>();
        for (int slot = 0; slot < isos.Count; slot++)
        {
            string path = $"$.isos[{slot}]";
            if (Find(isos[slot], IsoKind.Iso, path, lookups, problems) is not { } id) continue;
            if (cdroms.Any(cdrom => cdrom.Iso == id)) problems.Add(path, "iso.twice", $"The ISO '{isos[slot]}' is in another drive already.");
            cdroms.Add(new VmCdrom { Slot = slot, Iso = id, Bus = BusOf(create, slot), BootIndex = FirstCdromBootIndex + slot });
        }

        return cdroms;
    }

    /// <summary>The machine's own controller has few ports.</summary>
    private static CdromBus BusOf(VmCreate create, int slot) => slot < VmDiskRules.SataSlots(create) ? create.CdromBus ?? CdromBus.Scsi : CdromBus.Scsi;

    private static VmKernel? Kernel(VmKernel asked, VmLookups lookups, InputProblems problems)
    {
        string? kernel = Find(asked.Kernel, IsoKind.Kernel, "$.kernel.kernel", lookups, problems);
        string? initrd = asked.Initrd is { } name ? Find(name, IsoKind.Initrd, "$.kernel.initrd", lookups, problems) : null;
        if (asked.CommandLine is { } line && (line.Length > CommandLineLength || line.Any(char.IsControl)))
            problems.Add("$.kernel.commandLine", "vm.kernelCommandLine", $"A kernel's command line is one line of at most {CommandLineLength} characters.");
        return kernel is null ? null : new VmKernel { Kernel = kernel, Initrd = initrd, CommandLine = asked.CommandLine };
    }

    /// <summary>Id of a medium that is ready; null: there were problems.</summary>
    public static string? Find(string name, IsoKind kind, string path, VmLookups lookups, InputProblems problems)
    {
        if (lookups.FindIso(name) is not { } iso)
        {
            problems.Add(path, "iso.notFound", $"There is no medium '{Suggestions.Shorten(name)}' in project '{lookups.Project}': 'lamina iso list' shows those there are.");
            return null;
        }

        if (iso.Spec.Deleting is not null) problems.Add(path, "iso.deleting", $"The medium '{iso.Name}' is being deleted: name another one.");
        else if (iso.Status?.State == ContentState.Failed) problems.Add(path, "iso.failed", $"The medium '{iso.Name}' could not be taken over ({iso.Status.Failure?.Message}): upload it again.");
        else if (iso.Status?.State != ContentState.Ready) problems.Add(path, "iso.notReady", $"The medium '{iso.Name}' is still being taken over: wait for its operation.");
        if (iso.Spec.Kind != kind) problems.Add(path, "iso.wrongKind", $"The medium '{iso.Name}' was uploaded as {Word(iso.Spec.Kind)}, and {Word(kind)} is needed here.");
        return iso.Id;
    }

    private static string Word(IsoKind kind) => kind switch
    {
        IsoKind.Iso => "an ISO",
        IsoKind.Floppy => "a floppy image",
        IsoKind.Kernel => "a kernel",
        _ => "an initial RAM disk",
    };
}
