using Lamina.Engine;
using Lamina.Engine.Qemu;
using Lamina.Linux.Files;
using Lamina.Server.Pools;
using Lamina.Server.Vms.Run;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Snapshots;

/// <summary>What lies in a VM's own folder for a snapshot or a suspended guest: memory with its definition, NVRAM, TPM.</summary>
/// <param name="pool">The VM's home.</param>
/// <param name="vmId">The VM.</param>
/// <param name="folder">Within the VM's folder.</param>
internal sealed class SnapshotFiles(PoolPaths pool, string vmId, string folder)
{
    public const string SuspendPrefix = "suspend-";
    public const string Snapshots = "snapshots";
    private const string Nvram = "nvram";
    private const string Tpm = "tpm";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateFolder = Private | UnixFileMode.UserExecute;

    public string Root => pool.VmPart(vmId, folder);

    public string MemoryPath => Path.Join(Root, VmResources.MemoryContentFile);

    /// <summary>Begins anew: what an earlier attempt left is removed.</summary>
    public void Make()
    {
        Delete();
        Directory.CreateDirectory(Root, PrivateFolder);
    }

    public void Delete()
    {
        try
        {
            if (Directory.Exists(Root)) Directory.Delete(Root, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Another host that has this pool was faster.
        }
    }

    public SafeFileHandle CreateMemory()
    {
        var file = File.OpenHandle(MemoryPath, FileMode.CreateNew, FileAccess.Write);
        File.SetUnixFileMode(file, Private);
        return file;
    }

    public void WriteDefinition(VmDefinition definition) =>
        DurableFile.Write(Path.Join(Root, VmResources.MemoryDefinitionFile), VmDefinitionFile.Write(definition), Private);

    /// <summary>Copies what the firmware and the TPM keep, while nobody writes it.</summary>
    /// <returns>Which of them the VM has.</returns>
    public (bool Nvram, bool Tpm) Save() => (Copy(pool.NvramFolder(vmId), Path.Join(Root, Nvram)), Copy(pool.Tpm(vmId), Path.Join(Root, Tpm)));

    /// <summary>Brings back what <see cref="Save"/> has copied; a file that was not there then goes. Safe to repeat.</summary>
    public void Restore(bool nvram, bool tpm)
    {
        if (nvram) Replace(Path.Join(Root, Nvram), pool.NvramFolder(vmId));
        if (tpm) Replace(Path.Join(Root, Tpm), pool.Tpm(vmId));
    }

    /// <summary>Makes everything in the folder last.</summary>
    public void Flush()
    {
        foreach (string path in Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories))
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
            RandomAccess.FlushToDisk(file);
        }

        foreach (string path in Directory.EnumerateDirectories(Root, "*", SearchOption.AllDirectories)) DurableFile.SyncDirectory(path);
        DurableFile.SyncDirectory(Root);
        DurableFile.SyncDirectory(Path.GetDirectoryName(Root)!);
    }

    private static bool Copy(string from, string to)
    {
        if (!Directory.Exists(from)) return false;
        Directory.CreateDirectory(to, PrivateFolder);
        foreach (string path in Directory.EnumerateFiles(from).Where(IsContent))
        {
            string copy = Path.Join(to, Path.GetFileName(path));
            File.Copy(path, copy, overwrite: true);
            File.SetUnixFileMode(copy, Private);
        }

        return true;
    }

    private static void Replace(string from, string to)
    {
        Directory.CreateDirectory(to, PrivateFolder);
        string[] then = [.. Directory.EnumerateFiles(from)];
        foreach (string path in then) DurableFile.Write(Path.Join(to, Path.GetFileName(path)), File.ReadAllBytes(path), Private);
        var names = then.Select(Path.GetFileName).ToHashSet(StringComparer.Ordinal);
        foreach (string path in Directory.EnumerateFiles(to).Where(path => IsContent(path) && !names.Contains(Path.GetFileName(path)))) File.Delete(path);
    }

    /// <summary>No lock and no file that is being written.</summary>
    private static bool IsContent(string path) => !Path.GetFileName(path).StartsWith('.');
}
