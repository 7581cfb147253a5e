using System.Text;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Lamina.Server.Control;
using Lamina.Server.Pools;

namespace Lamina.Server.Isos;

/// <summary>Writes a VM's cloud-init seed: a small ISO labelled <c>cidata</c>, readable by root only, made anew before each start.</summary>
internal sealed class HostSeeds(PoolTemporaries temporaries)
{
    private const string ImageName = "seed.iso";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>Makes <c>vms/&lt;id&gt;/seed.iso</c>, replacing an earlier one.</summary>
    /// <param name="pool">Where the VM's first disk lies.</param>
    /// <param name="vmId">The VM.</param>
    /// <param name="documents">With the secrets in them: they are on disk only here.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The seed's path.</returns>
    /// <exception cref="CommandException">xorriso failed, in its words.</exception>
    public async Task<string> WriteAsync(PoolPaths pool, string vmId, CloudInitDocuments documents, CancellationToken cancellation)
    {
        var folder = pool.Temporary(vmId);
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
        }
        finally
        {
            root.DeleteDirectory(name);
        }

        return pool.Seed(vmId);
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

        CrashPoints.Reached("seed", "create", "before");
        root.CreateDirectory(Path.Join("vms", vmId));
        root.Rename(Path.Join(folder, ImageName), Path.Join("vms", vmId, ImageName));
        CrashPoints.Reached("seed", "create", "after");
    }
}
