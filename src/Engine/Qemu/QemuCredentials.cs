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
            Write(credentials, endpoint);
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

    private void Write(MigrationCredentials credentials, string endpoint)
    {
        Directory.CreateDirectory(FolderPath, PrivateFolder);
        WriteFile("ca-cert.pem", credentials.Authority);
        WriteFile($"{endpoint}-cert.pem", credentials.Certificate);
        WriteFile($"{endpoint}-key.pem", credentials.Key);
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
