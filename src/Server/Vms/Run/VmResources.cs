using System.Text.Json;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qemu;
using Lamina.Linux.Files;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Http;
using Lamina.Server.Images;
using Lamina.Server.Isos;
using Lamina.Server.Networks;
using Lamina.Server.Pools;
using Lamina.Server.Store;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>A disk's status that is to be committed with whatever else is written.</summary>
internal sealed record MadeDisk(string Id, DiskStatus Status);

/// <summary>Makes, finds and gives back what a VM needs on this host beside its process. Everything is safe to repeat.</summary>
internal sealed class VmResources(
    IStore store, Cache cache, IVmEngine engine, HostPools pools, HostDisks disks, ContentCopies copies, HostSeeds seeds, HostNetworks networks, SecretBox secrets)
{
    /// <summary>Makes the disks that are not there yet, all at once.</summary>
    /// <param name="spec">The VM.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="report">Told percent and words while an image is brought from another host; null: nobody asks.</param>
    /// <exception cref="ProblemException">The pool is full, or a file has vanished.</exception>
    public async Task<IReadOnlyList<MadeDisk>> MakeDisksAsync(VmSpec spec, CancellationToken cancellationToken, Action<int?, string>? report = null)
    {
        var made = await Task.WhenAll(spec.Disks.Select(disk => MakeDiskAsync(disk.Disk, cancellationToken, report)));
        return [.. made.OfType<MadeDisk>()];
    }

    /// <summary>Makes everything for a run; what does not depend on each other is made at the same time.</summary>
    /// <returns>The material, and the statuses of disks made now.</returns>
    public async Task<(VmMaterial Material, IReadOnlyList<MadeDisk> Made)> PrepareAsync(string vmId, VmSpec spec, CancellationToken cancellationToken)
    {
        // Each blocks for a moment in system calls before its first wait.
        var making = Task.Run(() => MakeDisksAsync(spec, cancellationToken), cancellationToken);
        var seeding = Task.Run(() => SeedAsync(vmId, spec, cancellationToken), cancellationToken);
        var plugging = PlugAsync(vmId, spec, cancellationToken);
        await Task.WhenAll(making, seeding, plugging, EnsureMediaAsync(spec, cancellationToken));
        var material = new VmMaterial
        {
            Disks = spec.Disks.ToDictionary(disk => disk.Disk, disk => disks.PathsOf(disk.Disk, DiskSpecOf(disk.Disk)), StringComparer.Ordinal),
            DiskSizes = spec.Disks.ToDictionary(disk => disk.Disk, disk => DiskSpecOf(disk.Disk).SizeBytes, StringComparer.Ordinal),
            Media = VmRecords.MediaOf(spec).ToDictionary(id => id, MediumPath, StringComparer.Ordinal),
            Taps = await plugging,
            SeedPath = await seeding,
            NvramPath = spec.Firmware == VmFirmware.Uefi ? await NvramAsync(vmId, spec, cancellationToken) : null,
            TpmFolder = spec.Tpm is null ? null : HostTpm.Ensure(HomeOf(spec), vmId),
            TpmKey = spec.Tpm is { } tpm ? await UnsealBytesAsync(tpm.Secret, "the key of its TPM is", cancellationToken) : default,
        };
        return (material, await making);
    }

    /// <summary>Makes everything for a guest that comes from another host while it runs there: what it has on shared pools is left as it is.</summary>
    /// <param name="vmId">The VM.</param>
    /// <param name="spec">Its record.</param>
    /// <param name="arriving">Disks that come with it, by id, as they shall be here: empty files are made for them.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<VmMaterial> PrepareArrivalAsync(string vmId, VmSpec spec, IReadOnlyDictionary<string, DiskSpec> arriving, CancellationToken cancellationToken)
    {
        var paths = new Dictionary<string, DiskPaths>(StringComparer.Ordinal);
        foreach (var disk in spec.Disks)
            paths[disk.Disk] = arriving.TryGetValue(disk.Disk, out var here) ? await disks.MakeArrivalAsync(disk.Disk, here, cancellationToken) : disks.PathsOf(disk.Disk, DiskSpecOf(disk.Disk));
        string nvram = HomeOf(spec).Nvram(vmId);
        await EnsureMediaAsync(spec, cancellationToken);
        return new VmMaterial
        {
            Disks = paths,
            DiskSizes = spec.Disks.ToDictionary(disk => disk.Disk, disk => DiskSpecOf(disk.Disk).SizeBytes, StringComparer.Ordinal),
            Media = VmRecords.MediaOf(spec).ToDictionary(id => id, MediumPath, StringComparer.Ordinal),
            Taps = await PlugAsync(vmId, spec, cancellationToken),
            SeedPath = await SeedAsync(vmId, spec, cancellationToken),
            // The guest brings what they hold; a reset that waits is for its next start.
            NvramPath = spec.Firmware != VmFirmware.Uefi ? null : File.Exists(nvram) ? nvram : await NvramAsync(vmId, spec, cancellationToken),
            TpmFolder = spec.Tpm is null ? null : HostTpm.MakeArrival(HomeOf(spec), vmId),
            TpmKey = spec.Tpm is { } tpm ? await UnsealBytesAsync(tpm.Secret, "the key of its TPM is", cancellationToken) : default,
        };
    }

    /// <summary>The guest runs here, and so its TPM's folder is the VM's from now on.</summary>
    public void KeepArrivedTpm(string vmId, VmSpec? spec)
    {
        if (spec?.Tpm is not null) HostTpm.KeepArrival(HomeOf(spec), vmId);
    }

    /// <summary>The guest has not come.</summary>
    public void RemoveArrivedTpm(string vmId, VmSpec? spec)
    {
        if (spec?.Tpm is not null) HostTpm.RemoveArrival(HomeOf(spec), vmId);
    }

    /// <summary>Brings the media that lie on another host to this one; a VM that moves needs them there too.</summary>
    /// <exception cref="ProblemException">That host is not reached.</exception>
    public Task EnsureMediaAsync(VmSpec spec, CancellationToken cancellationToken) => Task.WhenAll(
        VmRecords.MediaOf(spec).Select(id => copies.EnsureAsync(ContentKind.Iso, id, copies.PoolFor(ContentKind.Iso, id), null, cancellationToken)));

    /// <summary>Gives back what a run held on the host; called once its cgroup is empty.</summary>
    public async Task ReleaseAsync(VmDefinition definition)
    {
        foreach (var nic in definition.Nics.Where(nic => nic.TapName is not null)) networks.Unplug(definition.Id.ToString(), nic.Slot);
        await engine.ForgetAsync(definition.RuntimeFolder, CancellationToken.None);
    }

    /// <summary>Removes the links of a VM's cards, which may not all be there.</summary>
    public void RemoveLinks(string vmId, VmSpec spec)
    {
        foreach (var nic in spec.Nics.Where(IsPlugged)) networks.Unplug(vmId, nic.Slot);
    }

    /// <summary>Deletes NVRAM and seed of a VM that has no process, and its disks unless they shall stay.</summary>
    public void Delete(string vmId, VmSpec spec)
    {
        foreach (var disk in spec.Disks.Where(_ => !spec.KeepDisks))
        {
            if (cache.Snapshot.Get(Keys.Disks.Spec, disk.Disk) is { } record) disks.Delete(disk.Disk, record.Record);
        }

        using var root = RootedDirectory.Open(HomeOf(spec).Root);
        root.DeleteDirectory(Path.Join("vms", vmId));
    }

    public void DeleteDisk(string id, DiskSpec spec) => disks.Delete(id, spec);

    /// <summary>Makes a disk for a VM that runs, and records it: the guest is given nothing that the store does not know.</summary>
    public async Task MakeDiskNowAsync(string id, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await MakeDiskAsync(id, cancellationToken) is not { } made) return;
        var result = await new StoreChange("vm.disks").RequireExists(Keys.Disks.Spec[id]).Put(Keys.Disks.Status, id, made.Status).CommitAsync(store, time, cancellationToken);
        await cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(2), cancellationToken);
    }

    public (DiskPaths Paths, long SizeBytes) DiskOf(string id) => (disks.PathsOf(id, DiskSpecOf(id)), DiskSpecOf(id).SizeBytes);

    /// <returns>Null: a card of kind user has none.</returns>
    public async Task<VmTap?> PlugNicAsync(string vmId, VmNic nic, CancellationToken cancellationToken) => !IsPlugged(nic) ? null
        : new VmTap(await networks.PlugAsync(vmId, nic, cancellationToken), cache.Snapshot.Get(Keys.Networks.Spec, nic.Network!)?.Record.Mtu ?? 0);

    public void UnplugNic(string vmId, int slot) => networks.Unplug(vmId, slot);

    /// <summary>Takes a card's tap down; it stays for its guest to give back.</summary>
    public void CutNic(string vmId, int slot) => networks.Cut(vmId, slot);

    public Task MoveNicAsync(string vmId, VmNic nic, CancellationToken cancellationToken) => networks.MoveAsync(vmId, nic, cancellationToken);

    /// <summary>What the plan needs to know to compare a spec with what runs.</summary>
    public VmDifferenceFacts FactsOf(VmSpec spec, IReadOnlySet<string> lost)
    {
        var snapshot = cache.Snapshot;
        var known = new Dictionary<string, DiskFacts>(StringComparer.Ordinal);
        foreach (var disk in spec.Disks)
            if (snapshot.Get(Keys.Disks.Spec, disk.Disk) is { } record) known[disk.Disk] = new DiskFacts(record.Record.SizeBytes, snapshot.Get(Keys.Disks.Status, disk.Disk)?.Record.SizeBytes);
        var media = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string iso in spec.Cdroms.Select(cdrom => cdrom.Iso).OfType<string>())
            if (snapshot.Get(Keys.Isos.Spec, iso) is { } record && snapshot.Get(Keys.Pools.Spec, record.Record.Pool) is not null) media[iso] = pools.PlaceOf(copies.PoolFor(ContentKind.Iso, iso)).Iso(iso);
        return new VmDifferenceFacts { Disks = known, Media = media, Lost = lost };
    }

    /// <summary>The machine to which a saved memory belongs, as it was then.</summary>
    /// <exception cref="ProblemException">It is gone.</exception>
    public VmDefinition ReadMemoryDefinition(string vmId, VmSpec spec, VmMemoryImage memory)
    {
        string path = Path.Join(MemoryFolder(vmId, spec, memory.Folder), MemoryDefinitionFile);
        if (!File.Exists(path)) throw new ProblemException(
            ProblemKind.Unprocessable, "vm.memoryMissing", $"The memory of VM '{spec.Name}' is gone: {path}.", $"Bring it back from a copy, or boot: lamina vm stop {spec.Name} --force.");
        return VmDefinitionFile.Read(File.ReadAllBytes(path));
    }

    public string MemoryFile(string vmId, VmSpec spec, VmMemoryImage memory) => Path.Join(MemoryFolder(vmId, spec, memory.Folder), MemoryContentFile);

    /// <summary>A folder in the VM's own one.</summary>
    public string MemoryFolder(string vmId, VmSpec spec, string folder) => HomeOf(spec).VmPart(vmId, folder);

    public const string MemoryContentFile = "memory";
    public const string MemoryDefinitionFile = "definition.json";

    public bool AreDisksReady(VmSpec spec, CacheSnapshot snapshot) =>
        spec.Disks.All(disk => snapshot.Get(Keys.Disks.Status, disk.Disk)?.Record.State == ContentState.Ready);

    /// <summary>Ends when every pool of the VM's disks has room again.</summary>
    public Task WaitForRoomAsync(VmSpec spec, CancellationToken cancellationToken) =>
        Task.WhenAll(spec.Disks.Select(disk => DiskSpecOf(disk.Disk).Pool).Distinct().Select(pool => pools.WaitForRoomAsync(pool, cancellationToken)));

    private async Task<MadeDisk?> MakeDiskAsync(string id, CancellationToken cancellationToken, Action<int?, string>? report = null) =>
        await disks.EnsureAsync(id, DiskSpecOf(id), cancellationToken, report) is { } status ? new MadeDisk(id, status) : null;

    private static bool IsPlugged(VmNic nic) => nic.Kind == NicKind.Network;

    private async Task<IReadOnlyDictionary<int, VmTap>> PlugAsync(string vmId, VmSpec spec, CancellationToken cancellationToken)
    {
        var taps = new Dictionary<int, VmTap>();
        foreach (var nic in spec.Nics.Where(IsPlugged))
        {
            string name = await networks.PlugAsync(vmId, nic, cancellationToken);
            taps[nic.Slot] = new VmTap(name, cache.Snapshot.Get(Keys.Networks.Spec, nic.Network!)?.Record.Mtu ?? 0);
        }

        return taps;
    }

    private async Task<string?> SeedAsync(string vmId, VmSpec spec, CancellationToken cancellationToken)
    {
        if (spec.CloudInit is not { } cloudInit) return null;
        var secret = await UnsealAsync(cloudInit.Secret, cancellationToken);
        var nics = spec.Nics.Select(nic => CloudInitCards.Of(nic, cache.Snapshot.Get(Keys.Networks.Spec, nic.Network ?? "")?.Record)).ToList();
        return await seeds.WriteAsync(HomeOf(spec), vmId, CloudInitSeed.Documents(cloudInit, secret, nics), cancellationToken);
    }

    private async Task<string> NvramAsync(string vmId, VmSpec spec, CancellationToken cancellationToken)
    {
        var capabilities = await engine.ProbeAsync(cancellationToken);
        if (!spec.SecureBoot) return HostNvram.Ensure(HomeOf(spec), vmId, capabilities.Uefi?.VarsTemplatePath ?? HostNvram.Template, spec.NvramResets);
        var firmware = capabilities.SecureUefi ?? throw new ProblemException(
            ProblemKind.Unprocessable, "firmware.missing", "This host has no UEFI firmware with Secure Boot.", "Install the package ovmf.");
        return HostNvram.Ensure(HomeOf(spec), vmId, firmware.VarsTemplatePath, spec.NvramResets);
    }

    private async Task<CloudInitSecret> UnsealAsync(string id, CancellationToken cancellationToken) =>
        RecordJson.Read(Keys.Secrets[id], await UnsealBytesAsync(id, "cloud-init data are", cancellationToken), ApiJson.Default.CloudInitSecret);

    private async Task<byte[]> UnsealBytesAsync(string id, string what, CancellationToken cancellationToken)
    {
        var item = await store.GetAsync(Keys.Secrets[id], cancellationToken) ?? throw new ProblemException(
            ProblemKind.Unprocessable, "vm.secretMissing", $"Of the VM {what} gone from the store.", "Restore the store from a backup, or delete the VM and make it anew; its disks can be exported before.");
        return secrets.Unseal(id, RecordJson.Read(item, Keys.Secrets).Sealed);
    }

    /// <summary>Where the VM's own small files lie.</summary>
    private PoolPaths HomeOf(VmSpec spec) => pools.PathsOf(VmHome.PoolOn(cache.Snapshot, spec, pools.HostId));

    private DiskSpec DiskSpecOf(string id) => cache.Snapshot.Get(Keys.Disks.Spec, id)?.Record ?? throw new ProblemException(
        ProblemKind.Unprocessable, "disk.recordMissing", $"The record of disk {id} is gone.", "Restore the store from a backup.");

    /// <exception cref="ProblemException">It is gone.</exception>
    public string MediumPath(string id)
    {
        _ = cache.Snapshot.Get(Keys.Isos.Spec, id) ?? throw new ProblemException(
            ProblemKind.Unprocessable, "iso.missing", $"The medium {id} is gone.", "Take it out of the VM, or upload it again.");
        return pools.PathsOf(copies.PoolFor(ContentKind.Iso, id)).Iso(id);
    }
}
