namespace Lamina.Tests.Unit.Architecture;

/// <summary>The rooms of laminad (folders of src/Server): each may use only those before it.</summary>
internal static class Rooms
{
    public static readonly string[] InOrder =
    [
        "Store", "Control", "Http", "Events", "Operations", "Auth", "Projects", "Hosts", "Pools", "OperatingSystems", "Images", "Isos", "Disks", "Networks", "FirewallGroups",
        "Placement", "Vms", "Consoles", "Snapshots", "Copies", "Migration", "Metrics", "Memory", "Maintenance", "Backups", "Doctor", "Support", "Cluster", "Upgrades", "Web",
    ];

    /// <returns>The room of a namespace, "" for Lamina.Server itself, null for what is not of the server.</returns>
    public static string? Of(string name)
    {
        if (name == "Lamina.Server") return "";
        const string prefix = "Lamina.Server.";
        return name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..].Split('.')[0] : null;
    }

    /// <summary>One line for each file that uses a room which it may not use, or the wiring.</summary>
    /// <param name="files">Files of the server; others are ignored.</param>
    public static IEnumerable<string> Violations(IReadOnlyCollection<SourceFile> files)
    {
        var rooms = files.Where(file => Of(file.Namespace) is not (null or "")).ToLookup(file => Of(file.Namespace)!);
        // What lies beside the rooms is either a basis for all of them, or the wiring, which uses them and which none may use.
        var wiring = files.Where(file => Of(file.Namespace) == "" && rooms.SelectMany(room => room).Any(file.Uses)).ToArray();
        foreach (var file in rooms.SelectMany(room => room))
        {
            var position = Position(Of(file.Namespace)!);
            foreach (var other in rooms.Where(room => Position(room.Key) > position && (Imports(file, room.Key) || room.Any(file.Uses))))
                yield return $"{file.Path} uses {other.Key}, which comes after {Of(file.Namespace)}";
            foreach (var other in wiring.Where(file.Uses)) yield return $"{file.Path} uses the wiring, {other.Path}";
        }
    }

    public static int Position(string room)
    {
        var position = Array.IndexOf(InOrder, room);
        return position >= 0 ? position : throw new InvalidOperationException($"{room} is no room: name it in Rooms.InOrder and ARCHITECTURE.md");
    }

    /// <summary>A using of a room is a use of it, even where no type of it is named yet.</summary>
    private static bool Imports(SourceFile file, string room) => file.Usings.Any(use => Of(use) == room);
}
