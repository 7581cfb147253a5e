using System.Globalization;
using System.Text;
using Lamina.Api.Input;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Networks;

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

    private readonly FileLock _lock;

    private InstanceClaim(Instance instance, FileLock @lock)
    {
        Instance = instance;
        _lock = @lock;
    }

    public Instance Instance { get; }

    /// <exception cref="ProblemException">The name is no label, a path is too long, the instance already runs, or no number is free.</exception>
    /// <param name="options">Which instance.</param>
    /// <param name="registry">Where claims lie.</param>
    /// <param name="isSubnetTaken">Whether the host has the subnet of an instance with such a number elsewhere; null: as the host is now.</param>
    public static InstanceClaim Take(InstanceOptions options, string registry = Registry, Func<Instance, bool>? isSubnetTaken = null)
    {
        var instance = Derive(options);
        Directory.CreateDirectory(registry);
        foreach (int number in Candidates(instance, registry))
        {
            if (IsNew(instance, registry, number) && (isSubnetTaken ?? InstanceSubnets.IsTaken)(instance with { Number = number })) continue;
            if (TryTake(instance, registry, number) is { } held) return new InstanceClaim(instance with { Number = number }, held);
            if (OwnerOf(registry, number) == instance.DataDirectory || instance.IsDefault)
                throw new ProblemException(ProblemKind.Conflict, "instance.running", $"The instance '{instance.Name}' of {instance.DataDirectory} already runs.",
                    "Stop that daemon first, or start another one with '--instance NAME'.");
        }

        throw new ProblemException(ProblemKind.Conflict, "instance.noNumber", $"All {Instance.LastNumber} instance numbers are in use.",
            $"Remove data folders of instances that are no longer wanted; they are named in {registry}. A number is in use, too, when the host has its subnet, 192.168.(200+n).0/24, elsewhere: ip route");
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

    /// <summary>
    /// Its own number if it has one; else the one it had before the host's last boot, then all, the lowest first. The default instance is always 0.
    /// </summary>
    private static IEnumerable<int> Candidates(Instance instance, string registry)
    {
        if (instance.IsDefault) return [0];
        var all = Enumerable.Range(1, Instance.LastNumber);
        int own = all.FirstOrDefault(number => OwnerOf(registry, number) == instance.DataDirectory);
        if (own != 0) return [own];
        return RememberedBy(instance) is { } before ? all.OrderBy(number => number != before) : all;
    }

    /// <summary>Neither its own, nor the one that it had before the host's last boot, whose subnet its records bear.</summary>
    private static bool IsNew(Instance instance, string registry, int number) =>
        !instance.IsDefault && OwnerOf(registry, number) != instance.DataDirectory && RememberedBy(instance) != number;

    /// <summary>Null: somebody else holds the number, or its data folder still exists.</summary>
    private static FileLock? TryTake(Instance instance, string registry, int number)
    {
        var held = FileLock.TryAcquire(LockFile(registry, number));
        if (held is null) return null;
        // Read under the lock: whoever held it before has written it.
        string? owner = OwnerOf(registry, number);
        if (owner is null || owner == instance.DataDirectory || !Directory.Exists(owner))
        {
            File.WriteAllText(OwnerFile(registry, number), instance.DataDirectory);
            CrashPoints.Reached("instance", "claim", "after");
            Directory.CreateDirectory(instance.DataDirectory);
            File.SetUnixFileMode(instance.DataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute); // not even its names concern a guest
            File.WriteAllText(NumberFile(instance), number.ToString(CultureInfo.InvariantCulture));
            return held;
        }

        held.Dispose();
        return null;
    }

    private static string NumberFile(Instance instance) => Path.Combine(instance.DataDirectory, "instance-number");

    private static int? RememberedBy(Instance instance) =>
        File.Exists(NumberFile(instance)) && int.TryParse(File.ReadAllText(NumberFile(instance)), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : null;

    private static string LockFile(string registry, int number) => Path.Combine(registry, string.Create(CultureInfo.InvariantCulture, $"{number}.lock"));

    private static string OwnerFile(string registry, int number) => Path.Combine(registry, string.Create(CultureInfo.InvariantCulture, $"{number}"));

    private static string? OwnerOf(string registry, int number)
    {
        string file = OwnerFile(registry, number);
        return File.Exists(file) ? File.ReadAllText(file) : null;
    }
}
