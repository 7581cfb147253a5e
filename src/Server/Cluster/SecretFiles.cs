using Lamina.Linux.Files;

namespace Lamina.Server.Cluster;

/// <summary>
/// The keys that all members have in common. A host that joins lays them beside its own first, and takes them up when the switch to the cluster's store has been made:
/// after a crash it has all of the one or all of the other.
/// </summary>
internal static class SecretFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static string Ca(Instance instance) => Path.Combine(instance.SecretsDirectory, "ca.pem");

    public static string Box(Instance instance) => Path.Combine(instance.SecretsDirectory, "box.key");

    public static string Fingerprint(Instance instance) => Path.Combine(instance.SecretsDirectory, "fingerprint.key");

    /// <summary>Of the box that the host had before it joined, until its secrets are sealed for the cluster.</summary>
    public static string FormerBox(Instance instance) => Path.Combine(instance.SecretsDirectory, "box-before-join.key");

    /// <summary>Lays them ready.</summary>
    public static void Stage(Instance instance, JoinGrant grant)
    {
        string folder = Staging(instance);
        Discard(instance);
        Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        DurableFile.Write(FormerBox(instance), File.ReadAllBytes(Box(instance)), OwnerOnly);
        DurableFile.Write(Path.Combine(folder, Path.GetFileName(Ca(instance))), System.Text.Encoding.ASCII.GetBytes(grant.CaPem), OwnerOnly);
        DurableFile.Write(Path.Combine(folder, Path.GetFileName(Box(instance))), grant.BoxKey, OwnerOnly);
        DurableFile.Write(Path.Combine(folder, Path.GetFileName(Fingerprint(instance))), grant.FingerprintKey, OwnerOnly);
    }

    /// <summary>Takes up what was laid ready; nothing if nothing was. The host's own certificates were of another CA and are made anew.</summary>
    public static void TakeUp(Instance instance)
    {
        string folder = Staging(instance);
        if (!Directory.Exists(folder)) return;
        foreach (string file in Directory.EnumerateFiles(folder)) File.Move(file, Path.Combine(instance.SecretsDirectory, Path.GetFileName(file)), overwrite: true);
        DurableFile.SyncDirectory(instance.SecretsDirectory);
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Removes what was laid ready for a join that did not come to its end.</summary>
    public static void Discard(Instance instance)
    {
        if (Directory.Exists(Staging(instance))) Directory.Delete(Staging(instance), recursive: true);
        // A host that has never started has no such folder yet.
        if (File.Exists(FormerBox(instance))) File.Delete(FormerBox(instance));
    }

    private static string Staging(Instance instance) => Path.Combine(instance.DataDirectory, ".tmp-join");
}
