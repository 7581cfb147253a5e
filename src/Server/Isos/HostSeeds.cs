using System.Security.Cryptography;
using System.Text;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Lamina.Server.Pools;

namespace Lamina.Server.Isos;

/// <summary>
/// Writes a VM's cloud-init seed: a small ISO labelled <c>cidata</c>, readable by root only. Before each start it is made anew when what it is made
/// from has changed, which a file beside it tells: most starts are spared a process.
/// </summary>
internal sealed class HostSeeds(PoolTemporaries temporaries)
{
    private const string ImageName = "seed.iso";
    private const string SourceName = "seed.sha256";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>Makes <c>vms/&lt;id&gt;/seed.iso</c>, replacing one of other content.</summary>
    /// <param name="pool">Where the VM's first disk lies.</param>
    /// <param name="vmId">The VM.</param>
    /// <param name="documents">With the secrets in them: they are on disk only here.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The seed's path.</returns>
    /// <exception cref="CommandException">xorriso failed, in its words.</exception>
    public async Task<string> WriteAsync(PoolPaths pool, string vmId, CloudInitDocuments documents, CancellationToken cancellation)
    {
        var folder = pool.Temporary(vmId);
        var source = HashOf(documents);
        if (IsMadeFrom(pool, vmId, source)) return pool.Seed(vmId);
        using var use = await temporaries.UseAsync(folder, cancellation);
        using var root = RootedDirectory.Open(pool.Root);
        var name = Path.GetFileName(folder);
        root.DeleteDirectory(name);
        root.CreateDirectory(name);
        root.CreateDirectory(Path.Join(name, "seed"));
        try
        {
            WriteFile(root, name, "user-data", documents.UserData);
            WriteFile(root, name, "meta-data", documents.MetaData);
            WriteFile(root, name, "network-config", documents.NetworkConfig);
            WriteFile(root, name, "vendor-data", documents.VendorData);
            await MakeImageAsync(folder, cancellation);
            Publish(root, name, vmId);
            DurableFile.Write(SourceOf(pool, vmId), Encoding.ASCII.GetBytes(source), Private);
        }
        finally
        {
            root.DeleteDirectory(name);
        }

        return pool.Seed(vmId);
    }

    private static string SourceOf(PoolPaths pool, string vmId) => Path.Join(pool.VmFolder(vmId), SourceName);

    private static bool IsMadeFrom(PoolPaths pool, string vmId, string source) =>
        File.Exists(pool.Seed(vmId)) && File.Exists(SourceOf(pool, vmId)) && File.ReadAllText(SourceOf(pool, vmId)) == source;

    private static string HashOf(CloudInitDocuments documents)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var text in (ReadOnlySpan<string>)[documents.UserData, documents.MetaData, documents.NetworkConfig, documents.VendorData])
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.Length)); // where one ends and the next begins
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void WriteFile(RootedDirectory root, string folder, string name, string content)
    {
        using var file = root.OpenFile(Path.Join(folder, "seed", name), OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Exclusive);
        RandomAccess.Write(file, Encoding.UTF8.GetBytes(content), 0);
    }

    // -J and -r: names longer than 8.3 and in lower case, for every guest.
    private static async Task MakeImageAsync(string folder, CancellationToken cancellation)
    {
        var result = await Command.RunAsync(
            new CommandSpec
            {
                Program = "xorriso",
                Arguments = ["-as", "mkisofs", "-quiet", "-V", CloudInitSeed.Label, "-J", "-r", "-o", ImageName, "seed"],
                WorkingDirectory = folder,
                Timeout = Deadline,
            },
            cancellation);
        result.EnsureSuccess();
    }

    private static void Publish(RootedDirectory root, string folder, string vmId)
    {
        using (var file = root.OpenFile(Path.Join(folder, ImageName), OpenFlags.ReadWrite))
        {
            File.SetUnixFileMode(file, Private);
            RandomAccess.FlushToDisk(file);
        }

        root.CreateDirectory(Path.Join("vms", vmId));
        root.DeleteFile(Path.Join("vms", vmId, SourceName)); // never beside an image that it does not tell of
        root.Rename(Path.Join(folder, ImageName), Path.Join("vms", vmId, ImageName));
    }
}
