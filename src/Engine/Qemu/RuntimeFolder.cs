using System.Net.Sockets;
using System.Text.Json;
using Lamina.Linux;

namespace Lamina.Engine.Qemu;

/// <summary>
/// A VM's root-only folder while it runs: its sockets, its record, and the pipe of its last words. It lies on a file system that a
/// reboot empties.
/// </summary>
internal sealed class RuntimeFolder(string path)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public string FullPath { get; } = Path.TrimEndingDirectorySeparator(path);
    public string StderrPath => Path.Combine(FullPath, "stderr");
    public string SocketPath(string name) => Path.Combine(FullPath, $"{name}.sock");

    private string RecordPath => Path.Combine(FullPath, RunRecord.FileName);

    /// <summary>Makes the folder empty, whatever a dead run left in it.</summary>
    public void Prepare()
    {
        Delete();
        Directory.CreateDirectory(FullPath, Private);
        CrashPoints.Reached("runtime", "prepare", "after");
    }

    public void Delete()
    {
        if (Directory.Exists(FullPath)) Directory.Delete(FullPath, recursive: true);
        CrashPoints.Reached("runtime", "delete", "after");
    }

    /// <summary>A socket that listens in the folder. Closing this copy leaves the name alone.</summary>
    public Socket Listen(string name)
    {
        // .NET deletes the name it bound when it closes a socket, and QEMU goes on listening there: so bind another name, then move it.
        var bound = Path.Combine(FullPath, $".tmp-{name}.sock");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(bound));
            socket.Listen(backlog: 1);
            File.Move(bound, SocketPath(name));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects to one of the sockets. Done at once even if QEMU is busy: the kernel keeps the connection for it.</summary>
    /// <exception cref="IOException">Nobody listens, or too many wait already.</exception>
    public async ValueTask<Socket> ConnectAsync(string name, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath(name)), cancellationToken);
            return socket;
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new IOException($"Nobody listens on {SocketPath(name)}: {exception.Message}", exception);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask<Stream> ConnectStreamAsync(string name, CancellationToken cancellationToken) =>
        new NetworkStream(await ConnectAsync(name, cancellationToken), ownsSocket: true);

    // Never half written; and meaningful in this boot only, so nothing is synced.
    public void WriteRecord(RunRecord record)
    {
        using (var file = new FileStream($"{RecordPath}.tmp", new FileStreamOptions
        {
            Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = PrivateFile, BufferSize = 0,
        }))
        {
            file.Write(JsonSerializer.SerializeToUtf8Bytes(record, EngineJson.Default.RunRecord));
        }
        CrashPoints.Reached("runtime", "record", "written");
        File.Move($"{RecordPath}.tmp", RecordPath, overwrite: true);
        CrashPoints.Reached("runtime", "record", "after");
    }

    /// <exception cref="VmEngineException">There is none, or it cannot be read.</exception>
    public RunRecord ReadRecord()
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(RecordPath), EngineJson.Default.RunRecord)
                ?? throw new JsonException("it is null");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new VmEngineException(VmEngineFailure.NoRecord, $"{RecordPath} cannot be read: {exception.Message}",
                "If no guest of this VM runs, remove the folder; otherwise end its processes first.", exception);
        }
    }
}
