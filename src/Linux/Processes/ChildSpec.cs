using System.Runtime.InteropServices;

namespace Lamina.Linux.Processes;

/// <summary>A program to start, and everything it gets: nothing is inherited that is not named here.</summary>
public sealed record ChildSpec
{
    /// <summary>An absolute path, or a name that is looked up by <see cref="Programs"/>.</summary>
    public required string Program { get; init; }

    /// <summary>Without the program's own name. Never a secret: anyone can read a process's arguments.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Descriptors beyond 0–2. They stay the caller's, who may close them as soon as Spawn returned.</summary>
    public IReadOnlyList<ChildFile> Files { get; init; } = [];

    /// <summary>The whole environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = DefaultEnvironment;

    public string WorkingDirectory { get; init; } = "/";

    /// <summary>A session and process group of its own: signals of our terminal do not reach it, and the group can be killed whole.</summary>
    public bool NewSession { get; init; } = true;

    /// <summary>Null: as we are. Otherwise without the capabilities of root and with no_new_privs.</summary>
    public ChildUser? User { get; init; }

    /// <summary>The cgroup in which the process is born; null: ours.</summary>
    public CgroupPlacement? Cgroup { get; init; }

    public ChildLimits? Limits { get; init; }

    /// <summary>How willingly the kernel ends it for want of memory, -1000 to 1000. Not inherited: the daemon's own protection is not its children's.</summary>
    public int OomScoreAdjustment { get; init; }

    /// <summary>Null: /dev/null.</summary>
    public SafeHandle? StandardInput { get; init; }

    public ChildOutput StandardOutput { get; init; } = ChildOutput.Null;

    public ChildOutput StandardError { get; init; } = ChildOutput.Null;

    /// <summary>When the process ends, whatever is left of its process group is killed (needs <see cref="NewSession"/>).</summary>
    public bool KillGroupAtEnd { get; init; }

    /// <summary>The standard search path and the C locale, so that the words of programs do not depend on the machine's language.</summary>
    public static IReadOnlyDictionary<string, string> DefaultEnvironment { get; } = new Dictionary<string, string>
    {
        ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ["LC_ALL"] = "C.UTF-8",
    };
}

/// <summary>Our descriptor, and the number that it bears in the child (3 or more).</summary>
public sealed record ChildFile(SafeHandle Source, int Target);

/// <summary>Who the child is.</summary>
public sealed record ChildUser(uint UserId, uint GroupId)
{
    /// <summary>Further groups, for example that of /dev/kvm; none by default.</summary>
    public IReadOnlyList<uint> SupplementaryGroups { get; init; } = [];

    /// <summary>The few capabilities that it keeps, as setpriv(1) names them: "net_bind_service". None by default.</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];
}
