using System.Globalization;
using System.Text;

namespace Lamina.Bench;

/// <summary>
/// The guest as a script of bash runs it (bare-start.sh). What is not the script's work is made here beforehand, in its favour: a bridge, the tables of
/// packet rules, the command line, the pipes of the monitor.
/// </summary>
/// <param name="scripts">The folder of the scripts.</param>
/// <param name="folder">Of this guest.</param>
/// <param name="number">Tells guests apart that run at the same time; the first one makes what they share.</param>
internal sealed class BareGuest(string scripts, string folder, int number = 0) : IAsyncDisposable
{
    public const string Bridge = "lmbare0";

    private const string Tun = "/dev/net/tun";
    private const string Table = "lamina_bare";
    private const string Group = "lamina-bare";
    private const int UserId = 65_300;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly string[] LimitFiles =
        ["cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.shares", "memory.limit_in_bytes", "cpu.max", "cpu.weight", "memory.max", "pids.max"];

    private string Tap { get; } = $"lmbaretap{number}";

    private string Mac { get; } = $"52:54:00:be:9c:{number + 1:x2}";

    private string Address { get; } = $"10.213.0.{number + 2}";

    private string[] _parents = [];
    private UnixFileMode? _tunMode;

    /// <param name="laminaArguments">Of a guest that Lamina runs now.</param>
    /// <param name="laminaGroup">Its cgroup below each root: the limits are taken from there.</param>
    /// <param name="laminaTable">The instance's table of packet rules, while no VM is on record.</param>
    public async Task PrepareAsync(IReadOnlyList<string> laminaArguments, string laminaGroup, string laminaTable)
    {
        await RemoveAsync();
        Directory.CreateDirectory(folder, OwnerOnly);
        var arguments = BareArguments.From(laminaArguments, Tap, Mac);
        await File.WriteAllLinesAsync(Path.Join(folder, "qemu-arguments"), arguments.Arguments);
        await Run.OutputAsync("qemu-img", "create", "-q", "-f", "qcow2", Path.Join(folder, "base.qcow2"), "1G");
        foreach (string pipe in new[] { "qmp.in", "qmp.out" }) await Run.OutputAsync("mkfifo", "-m", "0600", Path.Join(folder, pipe));
        await Run.OutputAsync("chown", "-R", $"{UserId}:{UserId}", folder);
        await File.WriteAllTextAsync(Path.Join(folder, "settings"), Settings(arguments, laminaGroup));
        foreach (string parent in _parents) Directory.CreateDirectory(parent);
        if (number > 0) return;
        await Run.OutputAsync("ip", "link", "add", Bridge, "type", "bridge");
        await Run.OutputAsync("ip", "link", "set", Bridge, "mtu", "1450", "up");
        await Run.OutputWithAsync(laminaTable, "nft", "-f", "-");
        // QEMU of a script opens its tap by itself, after it became another user; not every host lets users do that.
        if (File.GetUnixFileMode(Tun).HasFlag(UnixFileMode.OtherWrite)) return;
        _tunMode = File.GetUnixFileMode(Tun);
        await Run.OutputAsync("chgrp", $"{UserId}", Tun);
        File.SetUnixFileMode(Tun, _tunMode.Value | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
    }

    /// <summary>The tables of an instance under the name of ours.</summary>
    public static async Task<string> CopyTablesAsync(string laminaTable)
    {
        string tables = await Run.OutputAsync("nft", "list", "table", "bridge", laminaTable) + await Run.OutputAsync("nft", "list", "table", "inet", laminaTable);
        return tables.Replace($" {laminaTable} ", $" {Table} ", StringComparison.Ordinal);
    }

    /// <summary>Milliseconds until QEMU says that the guest runs.</summary>
    /// <param name="anew">Also makes the disk and the rules.</param>
    public Task<double> StartAsync(bool anew) => Run.TimeProgramAsync(Path.Join(scripts, "bare-start.sh"), [folder, anew ? "new" : "again"]);

    public Task StopAsync(bool keep) => Run.OutputAsync(Path.Join(scripts, "bare-stop.sh"), folder, keep ? "keep" : "remove");

    public async ValueTask DisposeAsync() => await RemoveAsync();

    private async Task RemoveAsync()
    {
        if (File.Exists(Path.Join(folder, "settings"))) await Run.TryAsync(Path.Join(scripts, "bare-stop.sh"), folder, "remove");
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        if (number > 0) return;
        await Run.TryAsync("ip", "link", "delete", Bridge);
        foreach (string family in new[] { "bridge", "inet" }) await Run.TryAsync("nft", "delete", "table", family, Table);
        foreach (string parent in _parents.Where(Directory.Exists)) Directory.Delete(parent);
        if (_tunMode is not { } mode) return;
        File.SetUnixFileMode(Tun, mode);
        await Run.OutputAsync("chgrp", "0", Tun);
    }

    private string Settings(BareArguments arguments, string laminaGroup)
    {
        // v1: a folder for each controller; v2: one.
        string[] theirs = [.. Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup")
            .Select(root => Path.Join(root, laminaGroup)).Where(Directory.Exists).Select(path => new DirectoryInfo(path).FullName)];
        string Ours(string path) => path.Replace(laminaGroup, $"{Group}/vm{number}", StringComparison.Ordinal);
        _parents = [.. theirs.Select(path => Path.GetDirectoryName(Ours(path))!)];
        var limits = theirs.SelectMany(_ => LimitFiles, Path.Join).Where(File.Exists)
            .SelectMany(file => new[] { Ours(file), File.ReadAllText(file).Trim() });
        var entries = theirs.Select(path => Path.Join(Ours(path), File.Exists(Path.Join(path, "tasks")) ? "tasks" : "cgroup.procs"));
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"TAP={Tap} BRIDGE={Bridge} MTU=1450 USER_ID={UserId} DISK_FD={arguments.DiskNumber} BASE_FD={arguments.BaseNumber}\n");
        text.Append(CultureInfo.InvariantCulture, $"GROUPS_OF_VM=({string.Join(' ', theirs.Select(Ours))})\nENTRIES=({string.Join(' ', entries)})\n");
        text.Append(CultureInfo.InvariantCulture, $"LIMITS=({string.Join(' ', limits.Select(word => $"'{word}'"))})\n");
        text.Append(CultureInfo.InvariantCulture, $$"""
            RULES='add element bridge {{Table}} taps { "{{Tap}}" }
            add element bridge {{Table}} nics { "{{Tap}}" . {{Mac}} }
            add element bridge {{Table}} addresses { "{{Tap}}" . {{Address}} }'

            """);
        return text.ToString();
    }
}
