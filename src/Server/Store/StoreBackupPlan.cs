using System.Globalization;

namespace Lamina.Server.Store;

/// <summary>When the daemon backs its store up by itself, under which name, and which backups it removes.</summary>
internal static class StoreBackupPlan
{
    public const int Keep = 7;

    /// <summary>A day, less than the hour after which the question is asked again.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromHours(23.5);

    private const string Form = "'store-'yyyyMMdd'T'HHmmss'Z.db'";

    public static string NameAt(DateTimeOffset now) => now.ToUniversalTime().ToString(Form, CultureInfo.InvariantCulture);

    /// <summary>Whether a backup is to be made now. One from the future (the wall clock was wrong once) does not count.</summary>
    public static bool IsDue(IEnumerable<string> names, DateTimeOffset now) =>
        !Own(names).Any(backup => backup.Time <= now && now - backup.Time < Interval);

    /// <summary>Those beyond <see cref="Keep"/>: the ones from the future first, then the oldest. What bears another name is a person's own.</summary>
    public static IReadOnlyList<string> Removable(IEnumerable<string> names, DateTimeOffset now) =>
    [
        .. Own(names)
            .OrderBy(backup => backup.Time > now)
            .ThenByDescending(backup => backup.Time)
            .Skip(Keep)
            .Select(backup => backup.Name),
    ];

    /// <summary>The newest of those in the past, else the newest; null: there is none.</summary>
    public static string? Newest(IEnumerable<string> names, DateTimeOffset now) =>
        Own(names).OrderBy(backup => backup.Time > now).ThenByDescending(backup => backup.Time).Select(backup => backup.Name).FirstOrDefault();

    private static IEnumerable<(string Name, DateTimeOffset Time)> Own(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (DateTimeOffset.TryParseExact(name, Form, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) yield return (name, time);
        }
    }
}
