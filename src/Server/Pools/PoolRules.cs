using Lamina.Api;
using Lamina.Api.Input;

namespace Lamina.Server.Pools;

/// <summary>What may be asked of pools (pure). What only the host can tell, such as whether a folder is writable, <see cref="PoolFolder"/> finds out.</summary>
internal static class PoolRules
{
    public const int NotesLength = 4096;
    private const int LongestPath = 512;
    private const int MostOverProvisionPercent = 100_000;

    /// <summary>Folders of the system: neither they nor, save for those that hold data of others, anything below them is a pool.</summary>
    private static readonly string[] Closed = ["/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr"];

    private static readonly string[] NotThemselves = ["/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/lib", "/var/tmp"];

    /// <param name="create">As asked for.</param>
    /// <param name="others">The pools there are.</param>
    /// <param name="privateFolders">The daemon's own: its data, configuration and sockets.</param>
    /// <param name="problems">Gets every problem.</param>
    public static void Check(PoolCreate create, IEnumerable<PoolSpec> others, IReadOnlyList<string> privateFolders, InputProblems problems)
    {
        Names.CheckLabel(create.Name, "$.name", problems);
        CheckFigures(create.ReserveBytes, create.OverProvisionPercent, create.Notes, problems);
        if (PathProblem(create.Path, others, privateFolders) is { } problem) problems.Add("$.path", problem.Code, problem.Message);
    }

    public static void Check(PoolUpdate update, InputProblems problems) =>
        CheckFigures(update.ReserveBytes, update.OverProvisionPercent, update.Notes, problems);

    /// <summary>Null: a pool may lie there, as far as the path tells.</summary>
    public static InputProblem? PathProblem(string? path, IEnumerable<PoolSpec> others, IReadOnlyList<string> privateFolders)
    {
        if (path is not { Length: > 1 and <= LongestPath } || path[0] != '/' || path.Any(char.IsControl))
            return Problem("pool.path", $"'{Suggestions.Shorten(path ?? "")}' is no absolute path of a folder; /srv/fast would be one.");
        if (path.EndsWith('/') || path.Split('/')[1..].Any(part => part is "" or "." or ".."))
            return Problem("pool.path", $"'{Suggestions.Shorten(path)}' is written with '.', '..' or needless slashes: write the folder's plain path.");
        if (NotThemselves.Contains(path) || Closed.Any(folder => Holds(folder, path)))
            return Problem("pool.systemFolder", $"{path} belongs to the system: name a folder of its own, for example /srv/fast.");
        foreach (var folder in privateFolders.Where(folder => Holds(folder, path) || Holds(path, folder)))
            return Problem("pool.daemonFolder", $"{path} and the daemon's own folder {folder} lie in each other: name another folder.");
        foreach (var other in others)
        {
            if (path == other.Path) return Problem("pool.samePath", $"{path} is the pool {other.Name} already.");
            if (Holds(other.Path, path)) return Problem("pool.nested", $"{path} lies in the pool {other.Name} ({other.Path}): name a folder outside of it.");
            if (Holds(path, other.Path)) return Problem("pool.nested", $"{path} holds the pool {other.Name} ({other.Path}): name a folder of its own.");
        }

        return null;
    }

    /// <summary>Null: the pool may go; else what stands in its way.</summary>
    /// <param name="name">The pool's.</param>
    /// <param name="content">What lies in it, as people call it: <c>disk web1-disk0</c>.</param>
    /// <param name="isDefault">It is the default pool of its host.</param>
    public static ProblemException? RefuseDelete(string name, IReadOnlyList<string> content, bool isDefault = false)
    {
        if (isDefault || name == HostPools.DefaultName)
            return ProblemException.Conflict("pool.default", $"The pool '{name}' cannot be deleted: what names no pool goes there.", $"Name pools of your own where you want them; '{name}' may stay empty.");
        if (content.Count == 0) return null;
        string listed = content.Count <= 5 ? string.Join(", ", content) : $"{string.Join(", ", content.Take(5))} and {content.Count - 5} more";
        return ProblemException.Conflict("pool.notEmpty", $"Pool {name} is not empty: {listed}.", "Delete these, or move the disks: lamina disk move DISK --pool OTHER.");
    }

    /// <summary>Null: so much more may be promised to guests; else why not.</summary>
    /// <param name="name">The pool's, for the message.</param>
    /// <param name="percent">Its bound; null: none.</param>
    /// <param name="totalBytes">Its size; 0: not known, and then not bounded.</param>
    /// <param name="provisionedBytes">The sum of its disks' sizes.</param>
    /// <param name="moreBytes">What shall be added.</param>
    public static string? RefuseProvision(string name, int? percent, long totalBytes, long provisionedBytes, long moreBytes)
    {
        if (percent is not { } bound || totalBytes <= 0) return null;
        var most = (Int128)totalBytes * bound / 100;
        if ((Int128)provisionedBytes + moreBytes <= most) return null;
        return $"Pool {name} may promise {Sizes.Format((long)most)} to guests ({bound} % of its size); {Sizes.Format(provisionedBytes)} are promised, and {Sizes.Format(moreBytes)} more are asked for: "
            + $"ask for less, use another pool, or raise the bound: lamina pool set {name} --over-provision PERCENT.";
    }

    private static void CheckFigures(long? reserveBytes, int? overProvisionPercent, string? notes, InputProblems problems)
    {
        if (reserveBytes < 0) problems.Add("$.reserveBytes", "pool.reserve", "What is kept for the host is 0 bytes or more.");
        if (overProvisionPercent is < 1 or > MostOverProvisionPercent)
            problems.Add("$.overProvisionPercent", "pool.overProvision", $"Percent of the pool's size, from 1 to {MostOverProvisionPercent}; {overProvisionPercent} is not.");
        if (notes?.Length > NotesLength) problems.Add("$.notes", "value.long", $"Notes have at most {NotesLength} characters; these have {notes.Length}.");
    }

    private static bool Holds(string outer, string inner) => inner == outer || inner.StartsWith(outer.TrimEnd('/') + "/", StringComparison.Ordinal);

    private static InputProblem Problem(string code, string message) => new() { Path = "$.path", Code = code, Message = message };
}
