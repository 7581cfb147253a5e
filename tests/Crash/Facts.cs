using Lamina.Engine.Qemu;
using Lamina.Engine.Qmp;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Microsoft.Data.Sqlite;

namespace Lamina.Tests.Crash;

/// <summary>Everything that a world holds at one moment: the records, and what really is on the machine.</summary>
internal sealed record Facts
{
    public required Instance Instance { get; init; }
    public required CacheSnapshot Store { get; init; }

    /// <summary>Ids of secrets with their owners: the cache never holds them.</summary>
    public required IReadOnlyDictionary<string, string> Secrets { get; init; }

    /// <summary>Names of the links but the loopback, with their aliases.</summary>
    public required IReadOnlyDictionary<string, string> Links { get; init; }

    /// <summary>The links that bear the card's own address.</summary>
    public required IReadOnlyList<string> CardBearers { get; init; }

    /// <summary>As nft lists them: <c>table inet lamina_1</c>.</summary>
    public required IReadOnlyList<string> Tables { get; init; }

    /// <summary>Pids by the name of the cgroup.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<int>> Cgroups { get; init; }

    /// <summary>All but the daemon.</summary>
    public required IReadOnlyList<ProcessFacts> Processes { get; init; }

    /// <summary>Files and folders below the data folder (of the database only those that are no part of it) and the run folder, relative to the world's.</summary>
    public required IReadOnlyList<string> Paths { get; init; }

    public static async Task<Facts> ReadAsync(World world, int? daemon)
    {
        // What is on the machine first: whatever is seen there must have its record by then.
        var processes = world.Processes().Where(process => process.ProcessId != daemon)
            .Select(process => new ProcessFacts(process.ProcessId, Path.GetFileName(process.Executable), NetworkProcesses.ArgumentsOf(process.ProcessId)))
            .ToArray();
        var cgroups = world.Cgroups.List().ToDictionary(group => group.Name, group => world.Cgroups.ReadMembers(group.Name));
        var links = world.Network.Run(() =>
        {
            using var netlink = new Netlink();
            return netlink.ListLinks().Where(link => link.Name != "lo").ToDictionary(link => link.Name, link => link.Alias ?? "");
        });
        var tables = await world.RunAsync("nft", "list", "tables");
        var bearers = (await world.RunAsync("ip", "-o", "-4", "address", "show", "to", World.CardAddress)).EnsureSuccess().OutputText;
        string[] paths = [.. PathsOf(world)];
        var (store, secrets) = ReadStore(SqliteStoreFolder.DatabaseIn(world.Instance.StoreDirectory));
        return new Facts
        {
            Instance = world.Instance,
            Store = store,
            Secrets = secrets,
            Links = links,
            CardBearers = [.. bearers.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1])],
            Tables = tables.EnsureSuccess().OutputText.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            Cgroups = cgroups,
            Processes = processes,
            Paths = paths,
        };
    }

    /// <summary>What a guest is at while no daemon speaks to it; null: its monitor cannot be asked.</summary>
    public static async Task<RunState?> AskAsync(World world, string vmId)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await using var client = await QemuMonitor.OpenAsync(new RuntimeFolder(world.Instance.VmDirectory(vmId)), patience.Token);
            return (await client.ExecuteAsync(QmpCommands.QueryStatus, QmpNothing.Instance, patience.Token)).Status;
        }
        catch (Exception silent) when (silent is IOException or OperationCanceledException or QmpClosedException or QmpProtocolException)
        {
            return null;
        }
    }

    private static IEnumerable<string> PathsOf(World world)
    {
        var everything = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 };
        foreach (string top in (string[])[world.Instance.DataDirectory, world.Instance.RunDirectory, world.SecondPool])
        {
            if (!Directory.Exists(top)) continue;
            foreach (string path in Directory.EnumerateFileSystemEntries(top, "*", everything)) yield return Path.GetRelativePath(world.Folder, path);
        }
    }

    private static (CacheSnapshot Store, Dictionary<string, string> Secrets) ReadStore(string database)
    {
        if (!File.Exists(database)) return (CacheSnapshot.Empty(Keys.Cached), []);
        using var connection = SqliteConnections.OpenBare(database);
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT key, value, mod_revision, create_revision FROM items";
        using var rows = command.ExecuteReader();
        var changes = new List<CacheChange>();
        var secrets = new Dictionary<string, string>();
        while (rows.Read())
        {
            string key = rows.GetString(0);
            byte[] value = rows.GetFieldValue<byte[]>(1);
            if (Keys.Secrets.IdOf(key) is { } secret) secrets[secret] = RecordJson.Read(key, value, Keys.Secrets.TypeInfo).Owner;
            foreach (var kind in Keys.Cached)
            {
                if (kind.IdOf(key) is not { } id) continue;
                changes.Add(new CacheChange(kind, id, null, kind.Wrap(id, kind.ReadRecord(key, value), rows.GetInt64(2), rows.GetInt64(3))));
            }
        }

        return (CacheSnapshot.Empty(Keys.Cached).With(1, changes), secrets);
    }
}

/// <summary>One process of a world.</summary>
internal sealed record ProcessFacts(int ProcessId, string Program, IReadOnlyList<string> Arguments)
{
    public bool IsQemu => Program.StartsWith("qemu-system", StringComparison.Ordinal);

    /// <summary>It, or what is about to become it, is QEMU of this VM.</summary>
    public bool IsOf(string vmId) => Arguments.Any(argument => argument.Contains(vmId, StringComparison.Ordinal));

    public override string ToString() => $"{ProcessId} {string.Join(' ', Arguments.Take(3))}";
}
