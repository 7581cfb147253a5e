using System.CommandLine;
using System.Diagnostics;
using Lamina.Api;

namespace Lamina.Cli;

/// <summary><c>lamina backup …</c>: of the daemon's state. Restoring is root's, on the server, while the daemon does not run.</summary>
internal static class BackupCommands
{
    public static Command Build() => CommandBuilder.Noun("backup", "of the daemon's state: records, keys, configuration; not the disks of VMs", Create(), Restore());

    private static Command Create()
    {
        var file = new Argument<string?>("file") { Description = "default: lamina-backup-<time>.tar.gz", Arity = ArgumentArity.ZeroOrOne };
        return CommandBuilder.Verb("create", "write one; keep it as you keep a private key", [file], async (invocation, cancellationToken) =>
        {
            var path = invocation.Optional(file) ?? $"lamina-backup-{TimeProvider.System.GetUtcNow():yyyyMMdd-HHmmss}.tar.gz";
            await DownloadFile.WriteAsync(path, target => invocation.Client.Server.BackupAsync(target, cancellationToken));
            invocation.Say($"{path} ({Sizes.Format(new FileInfo(TextFile.FullPath(path)).Length)}) holds the records, the keys that open them and the configuration; whoever has it can be this installation");
        });
    }

    private static Command Restore()
    {
        var file = new Argument<string>("file");
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("restore", "bring one back on this server, as root, while the daemon does not run", [file, yes], async (invocation, cancellationToken) =>
        {
            var path = TextFile.FullPath(invocation.Value(file));
            if (!File.Exists(path)) throw new CliException(ExitCode.Usage, $"there is no file {invocation.Value(file)}");
            Terminal.Confirm("Put this backup in the place of the present records and keys? They are kept beside it.", invocation.Value(yes));
            return await RunAsync(path, cancellationToken);
        });
    }

    /// <summary>The daemon's own program does it: this one only speaks to a daemon that runs.</summary>
    private static async Task<ExitCode> RunAsync(string path, CancellationToken cancellationToken)
    {
        var beside = Path.Combine(AppContext.BaseDirectory, "laminad");
        var start = new ProcessStartInfo(File.Exists(beside) ? beside : "laminad");
        if (Environment.GetEnvironmentVariable("LAMINA_INSTANCE") is { Length: > 0 } instance)
        {
            start.ArgumentList.Add("--instance");
            start.ArgumentList.Add(instance);
        }

        foreach (var word in (string[])["backup", "restore", path]) start.ArgumentList.Add(word);
#pragma warning disable RS0030 // In the foreground, on the same terminal: there is nothing to be guarded against.
        using var program = Process.Start(start) ?? throw new CliException(ExitCode.Failed, "laminad cannot be run", "run it by hand: laminad backup restore FILE");
#pragma warning restore RS0030
        await program.WaitForExitAsync(cancellationToken);
        return program.ExitCode == 0 ? ExitCode.Done : ExitCode.Failed;
    }
}
