using System.Text.Json;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Pools;

namespace Lamina.Server.Migration.Cold;

/// <summary>
/// Notes of what is being brought here, each written before the first file is made and taken away when the files are the VM's or are gone: a daemon that starts
/// after a crash learns from them what to remove, also when nothing else of the hand-over is on record any more.
/// </summary>
internal sealed class ColdArrivals(string folder, Cache cache, HostPools pools)
{
    public IReadOnlyList<string> Vms => Directory.Exists(folder) ? [.. Directory.GetFiles(folder, "*.json").Select(file => Path.GetFileNameWithoutExtension(file))] : [];

    public void Note(string vmId, VmHandover record)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var arrival = new ColdArrival { Nonce = record.Nonce, Folders = ColdFolders.Of(vmId, record) };
        DurableFile.Write(PathOf(vmId), JsonSerializer.SerializeToUtf8Bytes(arrival, ColdJson.Default.ColdArrival), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    public bool Has(string vmId) => File.Exists(PathOf(vmId));

    public void Forget(string vmId)
    {
        if (Has(vmId)) File.Delete(PathOf(vmId));
    }

    /// <summary>Removes what was brought and is not the VM's: its records name other places. Safe to repeat.</summary>
    public void Remove(string vmId)
    {
        if (!Has(vmId)) return;
        var arrival = JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(vmId)), ColdJson.Default.ColdArrival)!;
        foreach (var made in arrival.Folders.Where(made => !IsTheVms(vmId, made)))
        {
            using var root = RootedDirectory.Open(pools.PathsOf(made.To).Root);
            root.DeleteDirectory(made.Path);
        }

        CrashPoints.Reached("handover", "cold", "removed");
        Forget(vmId);
    }

    /// <summary>Removes the VM's own files of an earlier stay: its record says that they lie elsewhere.</summary>
    public void ClearHome(string vmId, HandoverHome home)
    {
        using var root = RootedDirectory.Open(pools.PathsOf(home.To).Root);
        root.DeleteDirectory(Path.Join("vms", vmId));
    }

    /// <summary>Removes what lies where it came from, once the VM is another host's: its records name the other places.</summary>
    public void RemoveLeft(string vmId, VmHandover record)
    {
        foreach (var left in ColdFolders.Of(vmId, record).Where(left => IsTheVms(vmId, left) && pools.IsHere(left.From)))
        {
            using var root = RootedDirectory.Open(pools.PathsOf(left.From).Root);
            root.DeleteDirectory(left.Path);
        }
    }

    /// <summary>The records say that it lies where it was to go.</summary>
    private bool IsTheVms(string vmId, ColdFolder folder)
    {
        var snapshot = cache.Snapshot;
        return folder.Disk is { } disk ? snapshot.Get(Keys.Disks.Spec, disk)?.Record.Pool == folder.To : snapshot.Get(Keys.Vms.Spec, vmId)?.Record.HomePool == folder.To;
    }

    private string PathOf(string vmId) => Path.Combine(folder, $"{vmId}.json");
}
