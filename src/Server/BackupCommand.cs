using Lamina.Server.Backups;

namespace Lamina.Server;

/// <summary><c>laminad backup restore FILE</c>: the daemon's state comes back from what 'lamina backup create' wrote.</summary>
internal static class BackupCommand
{
    public static Task RestoreAsync(CommandLine command, TimeProvider time, TextWriter output) =>
        StateRestore.RunAsync(InstanceClaim.Derive(command.Instance), Path.GetFullPath(command.File!), time, output, CancellationToken.None);
}
