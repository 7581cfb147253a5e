using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qemu;
using Lamina.Server.Control;
using Lamina.Server.Copies;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Migration;

/// <summary>What the target makes for a guest that is to come, and takes away when it does not. Of one hand.</summary>
internal sealed class Arrival(MigrationGround ground, string vmId)
{
    private MigrationCredentials? _credentials;

    /// <summary>Makes QEMU and lets it listen. What fails is undone, but for the process.</summary>
    /// <exception cref="ProblemException">There is no room, or something that the guest has is not here.</exception>
    /// <exception cref="VmEngineException">QEMU could not be made.</exception>
    public async Task<(HandoverTarget Word, SecretRecord Secret)> BuildAsync(HeldVm vm, VmHandover record, CancellationToken cancellationToken)
    {
        var host = ground.Host;
        var snapshot = ground.Now;
        var spec = snapshot.Get(Keys.Vms.Spec, vmId)?.Record ?? throw VmFailures.NotHere(vmId);
        var running = VmDefinitionFile.Read(snapshot.Get(Keys.Vms.HandoverSource, vmId)?.Record.Definition ?? throw VmFailures.NotHere(vmId));
        var engine = await host.Engine.ProbeAsync(cancellationToken);
        // While QEMU is made: the signatures take their time.
        var certificates = Task.Run(() => MigrationCertificates.Make(record.Nonce, host.Time.GetUtcNow()), CancellationToken.None);
        await using (var undo = new Undo(host.Loggers.CreateLogger<Arrival>()))
        {
            host.Memory.Promise(vmId, spec.Name, running.MemoryMiB + running.PluggedMemoryMiB, VmPlaces.Here(host, VmWords.AcceleratorOf(running).Kind));
            undo.Add("take back the memory promised", () => host.Memory.Release(vmId));
            int userId = host.UserIds.Take();
            undo.Add("give back the user id", () => host.UserIds.Release(userId));
            undo.Add("remove the VM's links", () => host.Resources.RemoveLinks(vmId, spec));
            var arriving = ArrivingDisks(record, snapshot);
            // What a daemon that died has left of an earlier attempt goes first. Another file that is in the way is somebody's, and stays.
            ground.Arrivals.Remove(vmId);
            var made = record.Disks.Where(disk => arriving.TryGetValue(disk.Disk, out var here) && !File.Exists(ground.Pools.PathsOf(here.Pool).Disk(disk.Disk, here.Format))).ToList();
            if (made.Count > 0 || record.Home is not null) ground.Arrivals.Note(vmId, record with { Disks = made });
            var settled = spec;
            if (record.Home is { } home)
            {
                ground.Arrivals.ClearHome(vmId, home);
                settled = spec with { HomePool = home.To };
            }

            var material = await host.Resources.PrepareArrivalAsync(vmId, settled, arriving, cancellationToken);
            var identity = new VmRunIdentity
            {
                VmId = vmId,
                Instance = host.Instance.Name,
                Epoch = record.Epoch + 1,
                Run = running.Run,
                UserId = userId,
                RuntimeFolder = host.Instance.VmDirectory(vmId),
            };
            await vm.CreateAsync(VmDefinitions.Arrive(running, VmDefinitions.Make(spec, material, identity, engine), spec.Name), cancellationToken);
            undo.Succeeded();
        }

        var (own, source) = await certificates;
        _credentials = own;
        var endpoint = await vm.Vm!.ListenAsync(ListenOf(record, running), cancellationToken);
        string secret = $"handover-{record.Nonce}";
        var word = new HandoverTarget
        {
            Nonce = record.Nonce,
            State = HandoverTargetState.Listening,
            Address = endpoint.Address,
            Port = endpoint.Port,
            DiskPort = endpoint.ExportPort ?? 0,
            Secret = secret,
        };
        return (word, new SecretRecord { Owner = vmId, Sealed = ground.Secrets.Seal(secret, MigrationCertificates.Write(source)) });
    }

    /// <summary>The record with the disks as they were, for a hand-back.</summary>
    public VmHandover Moved(VmHandover record)
    {
        var snapshot = ground.Now;
        return record with
        {
            Disks = [.. record.Disks.Select(disk => disk with { Spec = snapshot.Get(Keys.Disks.Spec, disk.Disk)?.Record, Status = snapshot.Get(Keys.Disks.Status, disk.Disk)?.Record })],
        };
    }

    /// <summary>From this transaction on the disks lie here (decision 12).</summary>
    public void PutDisks(StoreChange change, VmHandover record)
    {
        foreach (var (id, spec) in ArrivingDisks(record, ground.Now))
        {
            change.Put(Keys.Disks.Spec, id, spec);
            // At rest all of its files have come as they were.
            if (record.Kind == HandoverKind.Live) change.Put(Keys.Disks.Status, id, new DiskStatus { State = ContentState.Ready, SizeBytes = spec.SizeBytes });
        }
    }

    /// <summary>The transaction of <see cref="PutDisks"/> is known to have won.</summary>
    public void Arrived(VmHandover record)
    {
        foreach (var (id, spec) in ArrivingDisks(record, ground.Now)) ground.Disks.Arrived(id, spec);
    }

    public static void PutDisksBack(StoreChange change, VmHandover record)
    {
        foreach (var disk in record.Disks.Where(disk => disk.Spec is not null))
        {
            change.Put(Keys.Disks.Spec, disk.Disk, disk.Spec!);
            if (disk.Status is { } status) change.Put(Keys.Disks.Status, disk.Disk, status);
        }
    }

    public Task<MigrationEndpoint> RecoverAsync(IVm vm, VmHandover record, CancellationToken cancellationToken) =>
        vm.RecoverAsync(ListenOf(record, vm.Definition), cancellationToken);

    private MigrationListen ListenOf(VmHandover record, VmDefinition running)
    {
        var spec = ground.Now.Get(Keys.Vms.Spec, vmId)?.Record;
        var slots = record.Disks.Select(moved => spec?.Disks.FirstOrDefault(disk => disk.Disk == moved.Disk)?.Slot).OfType<int>().ToHashSet();
        return new MigrationListen
        {
            Address = record.Address ?? ground.Address,
            FirstPort = ground.FirstPort,
            LastPort = ground.LastPort,
            Transport = MigrationChoices.TransportOf(record),
            Credentials = _credentials,
            ExportSlots = [.. running.Disks.Select(disk => disk.Slot).Where(slots.Contains)],
        };
    }

    private static Dictionary<string, DiskSpec> ArrivingDisks(VmHandover record, CacheSnapshot snapshot)
    {
        var arriving = new Dictionary<string, DiskSpec>(StringComparer.Ordinal);
        foreach (var disk in record.Disks)
        {
            if ((disk.Spec ?? snapshot.Get(Keys.Disks.Spec, disk.Disk)?.Record) is { } spec) arriving[disk.Disk] = record.Kind == HandoverKind.Cold ? spec with { Pool = disk.To } : MoveRules.Moved(spec, disk.To);
        }

        return arriving;
    }
}
