using System.Globalization;
using System.Text;
using Lamina.Api.Input;

namespace Lamina.Server;

/// <summary>Where a daemon was told to live; what is null derives from the name.</summary>
internal sealed record InstanceOptions
{
    public string Name { get; init; } = Instance.DefaultName;
    public string? DataDirectory { get; init; }
    public string? RunDirectory { get; init; }
    public string? ConfigurationDirectory { get; init; }
    public string? LogDirectory { get; init; }
}

/// <summary>
/// Holds an instance's number for as long as the daemon lives: a locked file <c>&lt;registry&gt;/&lt;n&gt;.lock</c>, and
/// beside it <c>&lt;n&gt;</c>, which names the data folder. A number
/// whose daemon is away stays its own while that data folder exists, since its guests may still run on its subnet and uids.
/// </summary>
internal sealed class InstanceClaim : IDisposable
{
    public const string Registry = "/run/lamina-instances";

    private readonly FileStream _lock;

    private InstanceClaim(Instance instance, FileStream @lock)
    {
        Instance = instance;
        _lock = @lock;
    }

    public Instance Instance { get; }

    /// <exception cref="ProblemException">The name is no label, a path is too long, the instance already runs, or no number is free.</exception>
    public static InstanceClaim Take(InstanceOptions options, string registry = Registry)
    {
        var instance = Derive(options);
        Directory.CreateDirectory(registry);
        // One search at a time, or two daemons would both see a number as free.
        using var search = LockPatiently(Path.Combine(registry, "search.lock"));
        foreach (int number in Candidates(instance, registry))
        {
            if (TryLock(LockFile(registry, number)) is not { } held)
                throw new ProblemException(ProblemKind.Conflict, "instance.running", $"The instance '{instance.Name}' of {instance.DataDirectory} already runs.",
                    "Stop that daemon first, or start another one with '--instance NAME'.");
            File.WriteAllText(OwnerFile(registry, number), instance.DataDirectory);
            return new InstanceClaim(instance with { Number = number }, held);
        }

        throw new ProblemException(ProblemKind.Conflict, "instance.noNumber", $"All {Instance.LastNumber} instance numbers are in use.",
            $"Remove data folders of instances that are no longer wanted; they are named in {registry}.");
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>The paths of an instance; its number is 0 until claimed.</summary>
    internal static Instance Derive(InstanceOptions options)
    {
        if (!Names.IsLabel(options.Name) || options.Name.Length > 20)
            throw new ProblemException(ProblemKind.Invalid, "instance.name", $"'{options.Name}' is no name of an instance.", "Use 1 to 20 lower-case letters, digits and hyphens.");
        string suffix = options.Name == Instance.DefaultName ? "lamina" : $"lamina-{options.Name}";
        var instance = new Instance
        {
            Name = options.Name,
            Number = 0,
            ConfigurationDirectory = Path.GetFullPath(options.ConfigurationDirectory ?? $"/etc/{suffix}"),
            DataDirectory = Path.GetFullPath(options.DataDirectory ?? $"/var/lib/{suffix}"),
            RunDirectory = Path.GetFullPath(options.RunDirectory ?? $"/run/{suffix}"),
            LogDirectory = Path.GetFullPath(options.LogDirectory ?? $"/var/log/{suffix}"),
        };
        CheckSocketLength(instance);
        return instance;
    }

    /// <summary>A UNIX socket's path holds 107 bytes; we stay below 100, also with the longest name below the run folder.</summary>
    private static void CheckSocketLength(Instance instance)
    {
        int length = Encoding.UTF8.GetByteCount(Path.Combine(instance.VmDirectory(Guid.Empty.ToString()), "qmp-oob.sock"));
        if (length >= 100)
            throw new ProblemException(ProblemKind.Invalid, "instance.runPath", $"The run folder {instance.RunDirectory} is too long: sockets below it would not fit.",
                $"Choose one that is at least {length - 99} characters shorter.");
    }

    /// <summary>Its own number if it ever had one, else those that are free, the lowest first. The default instance is always 0.</summary>
    private static IEnumerable<int> Candidates(Instance instance, string registry)
    {
        if (instance.IsDefault) return [0];
        var taken = Enumerable.Range(1, Instance.LastNumber).ToDictionary(number => number, number => OwnerOf(registry, number));
        int own = taken.FirstOrDefault(pair => pair.Value == instance.DataDirectory).Key;
        if (own != 0) return [own];
        return taken.Where(pair => pair.Value is null || (!Directory.Exists(pair.Value) && CanLock(registry, pair.Key))).Select(pair => pair.Key);
    }

    private static string LockFile(string registry, int number) => Path.Combine(registry, string.Create(CultureInfo.InvariantCulture, $"{number}.lock"));

    private static string OwnerFile(string registry, int number) => Path.Combine(registry, string.Create(CultureInfo.InvariantCulture, $"{number}"));

    private static string? OwnerOf(string registry, int number)
    {
        string file = OwnerFile(registry, number);
        return File.Exists(file) ? File.ReadAllText(file) : null;
    }

    private static bool CanLock(string registry, int number)
    {
        using var held = TryLock(LockFile(registry, number));
        return held is not null;
    }

    /// <summary>FileShare.None is flock(LOCK_EX) on Linux; the kernel lets go of it when the daemon dies, however it dies.</summary>
    private static FileStream? TryLock(string file)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(file))
        {
            return null;
        }
    }

    private static FileStream LockPatiently(string file)
    {
        for (int attempt = 0; ; attempt++)
        {
            if (TryLock(file) is { } held) return held;
            if (attempt == 100) throw new ProblemException(ProblemKind.Unavailable, "instance.registry", $"Another daemon has held {file} for 5 s.", "Look which one is starting.");
            Thread.Sleep(TimeSpan.FromMilliseconds(50));
        }
    }
}
