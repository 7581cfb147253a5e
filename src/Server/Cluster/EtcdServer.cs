using System.Text;
using Lamina.Linux;
using Lamina.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Cluster;

/// <summary>
/// The etcd of this host: a child that outlives the daemon, known by its data folder, found again by the next one. Whoever calls it does so one at a time.
/// It runs as root: whoever can write the store is root on every host anyway, and its data lie where only root comes.
/// </summary>
internal sealed class EtcdServer(Instance instance, string hostId, TimeProvider time) : IDisposable
{
    private const string Program = "etcd";
    private const int WordBytes = 4096;

    // Without it the cluster loses a vote: after the guests, before the daemon.
    private const int OomScoreAdjust = -800;

    private static readonly TimeSpan PoliteEnd = TimeSpan.FromSeconds(10);

    private ChildProcess? _process;

    public static bool IsInstalled => Programs.Find(Program) is not null;

    public string LogFile => Path.Combine(instance.LogDirectory, "etcd.log");

    /// <summary>Ends when the process does; already ended when there is none.</summary>
    public Task Ended => _process?.WaitForExitAsync(CancellationToken.None) ?? Task.CompletedTask;

    public bool IsRunning => !Ended.IsCompleted;

    public int? ProcessId => IsRunning ? _process!.ProcessId : null;

    /// <summary>Whether its data are there.</summary>
    public bool HasData => Directory.Exists(Path.Combine(EtcdArguments.DataFolder(instance), "member"));

    /// <summary>Takes up the one that runs, or starts one.</summary>
    /// <param name="member">Under which it runs.</param>
    /// <param name="manner">How it begins, when it does not run.</param>
    /// <exception cref="ProblemException">It is not installed.</exception>
    public void Run(Membership member, EtcdManner manner = EtcdManner.Member)
    {
        Adopt();
        if (IsRunning) return;
        if (!IsInstalled) throw NotInstalled();
        Directory.CreateDirectory(EtcdArguments.DataFolder(instance), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Directory.CreateDirectory(instance.LogDirectory);
        using var log = OpenLog();
        CrashPoints.Reached("etcd", "start", "before");
        _process = ChildProcess.Spawn(new ChildSpec
        {
            Program = Program,
            Arguments = [.. EtcdArguments.Of(instance, hostId, member, manner, member.ListeningAt(HostAddressRules.Own()))],
            OomScoreAdjustment = OomScoreAdjust,
            StandardOutput = ChildOutput.To(log),
            StandardError = ChildOutput.To(log),
        });
        CrashPoints.Reached("etcd", "start", "after");
    }

    /// <summary>Ends one that is reached by another address than the member's, or by none although that is there: the next start begins it there.</summary>
    public async Task StopElsewhereAsync(Membership member, CancellationToken cancellation)
    {
        Adopt();
        bool isDeaf = member.IsThere(HostAddressRules.Own()) && Runs(EtcdArguments.DeafArgument(instance));
        if (isDeaf || !Runs(EtcdArguments.ReachedArgument(instance, member))) await StopAsync(cancellation);
    }

    /// <summary>The last of what it said.</summary>
    public string LastWords()
    {
        if (!File.Exists(LogFile)) return "";
        using var file = new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = Math.Max(0, file.Length - WordBytes);
        using var reader = new StreamReader(file, Encoding.UTF8);
        return reader.ReadToEnd().Trim();
    }

    /// <summary>Ends it, if it runs, and waits for that.</summary>
    /// <returns>False: it did not run.</returns>
    public async Task<bool> StopAsync(CancellationToken cancellation)
    {
        Adopt();
        if (_process is not { } process) return false;
        await process.EndAsync(PoliteEnd, time, cancellation);
        Forget();
        return true;
    }

    /// <summary>Ends it and deletes its data, as this host is no member any more, or becomes another one.</summary>
    public async Task RemoveAsync(CancellationToken cancellation)
    {
        await StopAsync(cancellation);
        if (Directory.Exists(instance.EtcdDirectory)) Directory.Delete(instance.EtcdDirectory, recursive: true);
    }

    /// <summary>Lets go of the process, which runs on.</summary>
    public void Dispose() => _process?.Dispose();

    internal static ProblemException NotInstalled() => new(
        ProblemKind.Unprocessable, "etcd.notInstalled", "etcd is not installed on this host, and a cluster keeps its state in it.", "Install it: apt install etcd-server etcd-client");

    /// <summary>The one that runs was begun with this argument.</summary>
    private bool Runs(string argument) => ProcessIdentity.FindByArgument(argument).Any(found => found.ProcessId == ProcessId);

    /// <summary>The process list is asked: a daemon may have died before it could record anything.</summary>
    private void Adopt()
    {
        if (_process is not null && !IsRunning) Forget();
        _process ??= ProcessIdentity.FindByArgument(EtcdArguments.DataArgument(instance))
            .Where(identity => Path.GetFileName(identity.Executable) == Program)
            .Select(ChildProcess.Adopt)
            .FirstOrDefault(process => process is not null);
    }

    private void Forget()
    {
        Dispose();
        _process = null;
    }

    /// <summary>Each start begins a new file and keeps the one before.</summary>
    private SafeFileHandle OpenLog()
    {
        if (File.Exists(LogFile)) File.Move(LogFile, LogFile + ".1", overwrite: true);
        return File.OpenHandle(LogFile, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
    }
}
