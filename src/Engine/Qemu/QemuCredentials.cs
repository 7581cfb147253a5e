using System.Text;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Linux;
using Lamina.Linux.Files;

namespace Lamina.Engine.Qemu;

/// <summary>
/// One migration's certificates for QEMU, which reads them from a folder and only when the object is made. The folder lies where nobody but root gets to,
/// belongs to the VM's user, reaches QEMU as an open file, and is gone a moment later.
/// </summary>
internal sealed class QemuCredentials(IVm vm, RuntimeFolder folder, QemuMonitor monitor)
{
    private const string Id = "migration";

    /// <summary>
    /// The group ffdhe2048 of RFC 7919, appendix A.1. A server that is given none makes one of its own each time (QEMU, crypto/tlscreds.c), which takes about a second of a CPU
    /// and is no better: what is agreed on is a curve where both sides know TLS 1.3.
    /// </summary>
    internal const string DiffieHellmanGroup = """
        -----BEGIN DH PARAMETERS-----
        MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
        +8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
        87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
        YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
        7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
        ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
        -----END DH PARAMETERS-----

        """;

    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateFolder = PrivateFile | UnixFileMode.UserExecute;

    private string FolderPath => Path.Combine(folder.FullPath, "tls");

    /// <returns>The object's id; null = in the clear.</returns>
    public async Task<string?> UseAsync(MigrationCredentials? credentials, bool isTarget, CancellationToken cancellationToken)
    {
        await ForgetAsync(cancellationToken);
        if (credentials == null) return null;
        var endpoint = isTarget ? "server" : "client";
        try
        {
            Write(credentials, endpoint, isTarget);
            using var opened = OwnedFolder.Give(FolderPath, (uint)vm.Definition.Uid, (uint)vm.Definition.Gid);
            var given = await monitor.ExecuteWithHandleAsync(QmpCommands.AddFd, new AddFdArguments { Opaque = "tls" }, opened, cancellationToken);
            try
            {
                var made = new TlsCredentialsObject { Id = Id, Endpoint = endpoint, Dir = $"/proc/self/fd/{given.Fd}" };
                await monitor.ExecuteAsync(QmpMigrationCommands.AddCredentials, made, cancellationToken);
            }
            finally
            {
                await monitor.ExecuteAsync(QmpCommands.RemoveFd, new RemoveFdArguments { FdsetId = given.FdsetId }, CancellationToken.None);
            }

            return Id;
        }
        finally
        {
            Delete();
        }
    }

    /// <summary>None there is fine.</summary>
    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        Delete();
        await monitor.ExecuteAsync(QmpMigrationCommands.SetParameters, new MigrationParameters { TlsCreds = "", TlsHostname = "" }, cancellationToken);
        try
        {
            await monitor.ExecuteAsync(QmpMigrationCommands.DeleteObject, new DeviceIdArguments { Id = Id }, cancellationToken);
        }
        catch (QmpErrorException)
        {
            // There was none.
        }
    }

    private void Write(MigrationCredentials credentials, string endpoint, bool isTarget)
    {
        Directory.CreateDirectory(FolderPath, PrivateFolder);
        WriteFile("ca-cert.pem", credentials.Authority);
        WriteFile($"{endpoint}-cert.pem", credentials.Certificate);
        WriteFile($"{endpoint}-key.pem", credentials.Key);
        if (isTarget) WriteFile("dh-params.pem", DiffieHellmanGroup);
        CrashPoints.Reached("runtime", "tls", "written");
    }

    private void WriteFile(string name, string content)
    {
        using var file = new FileStream(Path.Combine(FolderPath, name), new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = PrivateFile, BufferSize = 0,
        });
        file.Write(Encoding.ASCII.GetBytes(content));
    }

    private void Delete()
    {
        if (Directory.Exists(FolderPath)) Directory.Delete(FolderPath, recursive: true);
    }
}
