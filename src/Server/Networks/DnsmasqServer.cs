using System.Text;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Networks;

/// <summary>
/// dnsmasq of one network: DHCP and DNS for its guests, as a user without rights. It outlives the daemon; the next one finds it by its configuration file.
/// Not safe for two callers at once.
/// </summary>
/// <param name="folder">Its files; readable by everybody, for its user is nobody else's.</param>
/// <param name="userId">Who it runs as.</param>
internal sealed class DnsmasqServer(string folder, uint userId) : IDisposable
{
    private const string Program = "dnsmasq";
    private const string ErrorPipe = "stderr";
    private const int ErrorBytes = 4096;
    private const string StartedWord = "started, version";
    private const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode FolderMode = FileMode | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private static readonly TimeSpan PoliteEnd = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StartPoll = TimeSpan.FromMilliseconds(5);

    private ChildProcess? _process;
    private DnsmasqFiles? _served;
    private SafeFileHandle? _words;

    public string Folder => folder;

    /// <summary>Ends when the process does; already ended when there is none.</summary>
    public Task Ended => _process?.WaitForExitAsync(CancellationToken.None) ?? Task.CompletedTask;

    public bool IsRunning => !Ended.IsCompleted;

    public int? ProcessId => _process?.ProcessId;

    private string ConfigurationPath => Path.Combine(folder, DnsmasqFiles.ConfigurationName);

    private string ErrorPath => Path.Combine(folder, ErrorPipe);

    private string ConfigurationArgument => $"--conf-file={ConfigurationPath}";

    /// <summary>Serves these files: by the process that runs, told to read again, or by a new one.</summary>
    public async Task ServeAsync(DnsmasqFiles wanted, TimeProvider time, CancellationToken cancellation)
    {
        Adopt();
        if (IsRunning && wanted == _served) return;
        Directory.CreateDirectory(folder, FolderMode);
        File.SetUnixFileMode(folder, FolderMode);
        if (IsRunning && Read(DnsmasqFiles.ConfigurationName) == wanted.Configuration)
        {
            WriteLists(wanted);
            _process!.Send(Signal.HangUp);
        }
        else
        {
            await StopAsync(time, cancellation);
            Write(DnsmasqFiles.ConfigurationName, wanted.Configuration); // only while no process runs: the file tells what a running one was started with
            WriteLists(wanted);
            await StartAsync(wanted.NeedsRawSockets, time, cancellation);
        }

        _served = wanted;
    }

    /// <summary>What it said since it was last asked: why it ended.</summary>
    public string TakeWords() => Encoding.UTF8.GetString(Fifo.ReadAvailable(ErrorPath, ErrorBytes));

    /// <summary>Ends the process, if there is one, and waits for that.</summary>
    public async Task StopAsync(TimeProvider time, CancellationToken cancellation)
    {
        Adopt();
        if (_process is not { } process) return;
        await process.EndAsync(PoliteEnd, time, cancellation);
        Forget();
    }

    /// <summary>Ends the process and deletes its files.</summary>
    public async Task RemoveAsync(TimeProvider time, CancellationToken cancellation)
    {
        await StopAsync(time, cancellation);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }

    /// <summary>Lets go of the process, which runs on.</summary>
    public void Dispose()
    {
        _process?.Dispose();
        _words?.Dispose();
    }

    /// <summary>Takes up what an earlier daemon left running. It may have died before it could record anything, so the process list is asked.</summary>
    private void Adopt()
    {
        if (_process is not null && !IsRunning) Forget();
        if (_process is not null) return;
        _process = ProcessIdentity.FindByArgument(ConfigurationArgument)
            .Where(identity => Path.GetFileName(identity.Executable) == Program)
            .Select(ChildProcess.Adopt)
            .FirstOrDefault(process => process is not null);
        if (_process is not null) _words = Fifo.TryHold(ErrorPath);
    }

    private void Forget()
    {
        Dispose();
        _process = null;
        _words = null;
        _served = null;
    }

    /// <summary>Starts it and waits until it says that it serves.</summary>
    private async Task StartAsync(bool needsRawSockets, TimeProvider time, CancellationToken cancellation)
    {
        Spawn(needsRawSockets);
        using var patience = new CancellationTokenSource(StartPatience, time);
        var words = new StringBuilder();
        while (!words.ToString().Contains(StartedWord, StringComparison.Ordinal))
        {
            var mayGoOn = IsRunning && !patience.IsCancellationRequested; // asked before its words are taken, or the last ones would be missed
            words.Append(TakeWords());
            if (!mayGoOn)
            {
                throw new ProblemException(
                    ProblemKind.Internal, "network.dnsmasq", $"dnsmasq does not serve the network: {words.ToString().Trim()}",
                    "Another DHCP or DNS server on this host may hold the ports: ss -lunp 'sport = 53 or sport = 67'");
            }

            await Task.Delay(StartPoll, time, cancellation);
        }
    }

    /// <summary>It refuses to start without net_admin, although it never uses it with the answers broadcast.</summary>
    private void Spawn(bool needsRawSockets)
    {
        _words = Fifo.Create(ErrorPath);
        _process = ChildProcess.Spawn(new()
        {
            Program = Program,
            Arguments = [ConfigurationArgument],
            User = new(userId, userId) { Capabilities = needsRawSockets ? ["net_bind_service", "net_admin", "net_raw"] : ["net_bind_service", "net_admin"] },
            StandardError = ChildOutput.To(_words),
        });
    }

    private void WriteLists(DnsmasqFiles files)
    {
        Write(DnsmasqFiles.DhcpHostsName, files.DhcpHosts);
        Write(DnsmasqFiles.NamesName, files.Names);
    }

    /// <summary>Whole or not at all; of use in this boot only, so nothing is synced: a start of a VM waits for it.</summary>
    private void Write(string name, string content)
    {
        var path = Path.Combine(folder, name);
        var temporary = $"{path}.tmp";
        File.WriteAllText(temporary, content);
        File.SetUnixFileMode(temporary, FileMode);
        File.Move(temporary, path, overwrite: true);
    }

    private string? Read(string name)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? File.ReadAllText(path) : null;
    }
}
