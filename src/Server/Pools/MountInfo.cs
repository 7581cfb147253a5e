namespace Lamina.Server.Pools;

/// <summary>The file system under a folder, as <c>/proc/self/mountinfo</c> tells (proc(5)).</summary>
/// <param name="MountPoint">Where it is mounted.</param>
/// <param name="Kind"><c>ext4</c>, <c>nfs4</c>…</param>
/// <param name="Options">The super block's, for example <c>rw,vers=4.2,hard</c>.</param>
internal sealed record MountInfo(string MountPoint, string Kind, IReadOnlyList<string> Options)
{
    /// <summary>Of NFS, as <c>4.2</c>; null: no NFS, or it does not say.</summary>
    public string? NfsVersion => IsNfs ? Options.FirstOrDefault(option => option.StartsWith("vers=", StringComparison.Ordinal))?[5..] : null;

    public bool IsNfs => Kind is "nfs" or "nfs4";

    /// <summary>For people: <c>ext4</c>, <c>nfs4 (4.2)</c>.</summary>
    public string Words => NfsVersion is { } version ? $"{Kind} ({version})" : Kind;

    /// <summary>The file system that a folder lies on (pure); null: the text names none that holds it.</summary>
    /// <param name="mountInfo">Content of the file; a later line covers an earlier one.</param>
    /// <param name="path">Absolute.</param>
    public static MountInfo? Of(string mountInfo, string path)
    {
        MountInfo? best = null;
        foreach (string line in mountInfo.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Parse(line) is not { } mount || !Holds(mount.MountPoint, path)) continue;
            if (best is null || mount.MountPoint.Length >= best.MountPoint.Length) best = mount;
        }

        return best;
    }

    /// <summary>Why guests' disks must not lie there; null: they may (decision 12).</summary>
    public string? Refusal()
    {
        if (!IsNfs) return Kind is "proc" or "sysfs" or "cgroup" or "cgroup2" or "devtmpfs" or "squashfs" or "iso9660" ? $"{Kind} is no file system for disks" : null;
        if (NfsVersion is not { } version || !Version.TryParse(version.Contains('.', StringComparison.Ordinal) ? version : version + ".0", out var number) || number < new Version(4, 1))
            return $"NFS {NfsVersion ?? "of an unknown version"} cannot keep two hosts from one disk: mount it with vers=4.1 or later";
        return Options.Contains("soft") ? "a soft NFS mount answers guests with errors when the server is slow: mount it with 'hard'" : null;
    }

    private static MountInfo? Parse(string line)
    {
        // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
        string[] fields = line.Split(' ');
        int dash = Array.IndexOf(fields, "-");
        return dash < 6 || fields.Length < dash + 4 ? null : new MountInfo(Unescape(fields[4]), fields[dash + 1], fields[dash + 3].Split(','));
    }

    private static string Unescape(string field) => field
        .Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
        .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);

    private static bool Holds(string outer, string inner) => outer == "/" || inner == outer || inner.StartsWith(outer + "/", StringComparison.Ordinal);
}
