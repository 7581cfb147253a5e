using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Pools;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms.Rules;

/// <summary>
/// What a VM may be (pure but for the ids and MACs it draws): a request and a snapshot in, a draft or every problem at once out.
/// </summary>
internal static class VmRules
{
    /// <param name="create">As asked for.</param>
    /// <param name="lookups">The state it is checked against.</param>
    /// <param name="now">Becomes the time of creation.</param>
    /// <exception cref="InputException">All problems, each with its path.</exception>
    public static VmDraft Create(VmCreate create, VmLookups lookups, DateTimeOffset now)
    {
        var problems = new InputProblems();
        string id = Guid.CreateVersion7(now).ToString();
        (create, var warnings) = VmSystemRules.Advise(create, lookups, problems);
        CheckName(create.Name, null, lookups, problems);
        int cpus = create.Cpus ?? VmBounds.DefaultCpus;
        int memoryMiB = create.MemoryMiB ?? VmBounds.DefaultMemoryMiB;
        var firmware = VmFirmwareRules.FirmwareOf(create);
        VmFirmwareRules.Check(create, problems);
        VmBounds.CheckCpus(cpus, create.MaxCpus, problems);
        VmBounds.CheckMemory(memoryMiB, firmware, lookups.Hosts, problems);
        VmBounds.CheckMaxMemory(memoryMiB, create.MaxMemoryMiB, create.Floppy is not null, problems);
        VmBounds.CheckBalloon(memoryMiB, create.MemoryMinMiB, null, problems);
        VmBounds.CheckLimits(create.Limits, problems);
        VmBounds.CheckAutostart(create.Autostart, problems);
        VmBounds.CheckWords(create.Notes, create.Tags, problems);
        var media = VmMediaRules.Resolve(create, lookups, problems);
        var disks = VmDiskRules.Resolve(create, id, lookups, now, problems);
        var nics = VmNicRules.Resolve(create.Nics, lookups, problems);
        bool hasCloudInit = CheckCloudInit(create, disks, problems);
        var machine = VmMachineRules.Pin(create, lookups.Hosts, lookups.Baseline, problems);
        problems.ThrowIfAny();
        var spec = new VmSpec
        {
            Name = create.Name,
            Project = lookups.Project,
            CreatedAt = now,
            Cpus = cpus,
            MemoryMiB = memoryMiB,
            MemoryMinMiB = create.MemoryMinMiB,
            MergeMemory = create.MergeMemory,
            Firmware = firmware,
            SecureBoot = create.SecureBoot == true,
            Tpm = create.Tpm == true ? new VmTpm { Secret = Guid.CreateVersion7(now).ToString() } : null,
            OperatingSystem = create.OperatingSystem,
            Clock = create.Clock ?? VmClock.Utc,
            Watchdog = create.Watchdog,
            BootMenu = create.BootMenu == true,
            Machine = machine,
            Disks = [.. disks.Select(disk => disk.Attachment)],
            Cdroms = media.Cdroms,
            Floppy = media.Floppy,
            Kernel = media.Kernel,
            Nics = nics,
            HomePool = (disks is [var first, ..] ? first.Draft.Spec.Pool : null) ?? lookups.DefaultPool?.Id,
            CloudInit = hasCloudInit ? CloudInitOf(create, id) : null,
            Limits = create.Limits,
            Restart = create.Restart ?? RestartPolicy.OnFailure,
            Autostart = create.Autostart,
            Notes = create.Notes,
            Tags = create.Tags ?? [],
        };
        VmFirmwareRules.CheckOrder(spec, problems);
        problems.ThrowIfAny();
        return new VmDraft { Id = id, Spec = spec, Disks = [.. disks.Select(disk => disk.Draft)], Warnings = warnings };
    }

    /// <summary>The members of a VM that <c>PATCH</c> may change, as they are.</summary>
    public static VmUpdate Changeable(VmSpec spec) => new()
    {
        Name = spec.Name,
        Cpus = spec.Cpus,
        MemoryMiB = spec.MemoryMiB,
        MemoryMinMiB = spec.MemoryMinMiB,
        BalloonMiB = spec.BalloonMiB,
        Limits = spec.Limits,
        Restart = spec.Restart,
        Autostart = spec.Autostart,
        Watchdog = spec.Watchdog,
        BootMenu = spec.BootMenu,
        Clock = spec.Clock,
        Notes = spec.Notes,
        Tags = spec.Tags,
        MaxCpus = spec.Machine.MaxCpus,
        MaxMemoryMiB = spec.Machine.MaxMemoryMiB,
        Boot = VmBootOrder.Of(spec),
        Protected = spec.Protected,
    };

    /// <param name="spec">As it is.</param>
    /// <param name="update">All changeable members as they shall be; null is the default.</param>
    /// <param name="lookups">The state it is checked against.</param>
    /// <exception cref="InputException">All problems, each with its path.</exception>
    public static VmSpec Update(VmSpec spec, VmUpdate update, VmLookups lookups)
    {
        var problems = new InputProblems();
        int cpus = update.Cpus ?? VmBounds.DefaultCpus;
        int memoryMiB = update.MemoryMiB ?? VmBounds.DefaultMemoryMiB;
        CheckName(update.Name, spec.Name, lookups, problems);
        // Its places grow with it: the limit is met at the next start.
        int maxCpus = update.MaxCpus is { } most && (most != spec.Machine.MaxCpus || most >= cpus) ? most : Math.Max(spec.Machine.MaxCpus, cpus);
        int? maxMemoryMiB = update.MaxMemoryMiB is { } room && room == spec.Machine.MaxMemoryMiB && room < memoryMiB ? memoryMiB : update.MaxMemoryMiB;
        VmBounds.CheckCpus(cpus, maxCpus, problems);
        VmBounds.CheckMemory(memoryMiB, spec.Firmware, lookups.Hosts, problems);
        VmBounds.CheckMaxMemory(memoryMiB, maxMemoryMiB, spec.Floppy is not null, problems);
        VmBounds.CheckBalloon(memoryMiB, update.MemoryMinMiB, update.BalloonMiB, problems);
        VmBounds.CheckLimits(update.Limits, problems);
        VmBounds.CheckAutostart(update.Autostart, problems);
        VmBounds.CheckWords(update.Notes, update.Tags, problems);
        if (update.ResetNvram == true && spec.Firmware != VmFirmware.Uefi)
            problems.Add("$.resetNvram", "vm.noNvram", $"VM '{spec.Name}' has BIOS firmware, which keeps no variables.");
        spec = VmBootOrder.Apply(spec, update.Boot, problems);
        problems.ThrowIfAny();
        return spec with
        {
            Name = update.Name!,
            Cpus = cpus,
            MemoryMiB = memoryMiB,
            MemoryMinMiB = update.MemoryMinMiB,
            BalloonMiB = update.BalloonMiB,
            Machine = spec.Machine with { MaxCpus = maxCpus, MaxMemoryMiB = maxMemoryMiB },
            Protected = update.Protected == true,
            Limits = update.Limits,
            Restart = update.Restart ?? RestartPolicy.OnFailure,
            Autostart = update.Autostart,
            Watchdog = update.Watchdog,
            BootMenu = update.BootMenu == true,
            Clock = update.Clock ?? VmClock.Utc,
            NvramResets = spec.NvramResets + (update.ResetNvram == true ? 1 : 0),
            Notes = update.Notes,
            Tags = update.Tags ?? [],
        };
    }

    internal static void CheckName(string? name, string? present, VmLookups lookups, InputProblems problems)
    {
        Names.CheckLabel(name, "$.name", problems);
        if (name is not null && name != present && lookups.IsNameTaken("vm", name))
            problems.Add("$.name", "name.taken", $"Project '{lookups.Project}' already has a VM '{name}': choose another name.");
    }

    private static bool CheckCloudInit(VmCreate create, IReadOnlyList<ResolvedDisk> disks, InputProblems problems)
    {
        var images = disks.Select(disk => disk.Image).OfType<Image>().ToList();
        if (create.CloudInit is not { } asked) return images.Any(image => image.Spec.CloudInit);
        VmCloudInitRules.Check(asked, "$.cloudInit", images, problems);
        return true;
    }

    /// <summary>The secret bears the VM's id: there is one of each.</summary>
    private static VmCloudInit CloudInitOf(VmCreate create, string id) =>
        new() { Hostname = create.CloudInit?.Hostname ?? create.Name, InstanceId = id, Secret = id };
}
