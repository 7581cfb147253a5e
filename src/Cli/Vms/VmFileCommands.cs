using System.CommandLine;
using Lamina.Api;
using Lamina.Api.Client;

namespace Lamina.Cli.Vms;

/// <summary><c>lamina vm file push|pull</c>: files copied into and out of a guest by its agent.</summary>
internal static class VmFileCommands
{
    private const string StandardStream = "-";

    public static Command Build() => CommandBuilder.Noun("file", "files in the guest, by its agent", Push(), Pull());

    private static Command Push()
    {
        var vm = VmArgument.Create();
        var local = new Argument<string>("local") { Description = "a file here; - reads standard input" };
        var remote = new Argument<string>("remote") { Description = "an absolute path in the guest; a trailing / keeps the file's name" };
        var mode = new Option<string?>("--mode") { Description = "of the file in the guest, such as 644", HelpName = "octal" };
        var owner = new Option<string?>("--owner") { Description = "of the file in the guest", HelpName = "user[:group]" };
        return CommandBuilder.Verb("push", "copy a file into the guest", [vm, local, remote, mode, owner], async (invocation, cancellationToken) =>
        {
            var from = invocation.Value(local);
            var to = Named(invocation.Value(remote), from);
            var vms = invocation.Client.Vms;
            if (from == StandardStream)
            {
                await using var input = Console.OpenStandardInput();
                await vms.PushFileAsync(invocation.Value(vm), to, invocation.Value(mode), invocation.Value(owner), input, progress: null, cancellationToken);
            }
            else
            {
                await using var file = FileUpload.Open(from);
                using var progress = new Progress();
                var told = new CopyProgress(progress, Path.GetFileName(from), file.Length);
                await vms.PushFileAsync(invocation.Value(vm), to, invocation.Value(mode), invocation.Value(owner), file, told, cancellationToken);
            }

            invocation.Say($"{invocation.Value(vm)}:{to} is written");
        });
    }

    private static Command Pull()
    {
        var vm = VmArgument.Create();
        var remote = new Argument<string>("remote") { Description = "an absolute path in the guest" };
        var local = new Argument<string>("local") { Description = "a file or folder here (default: the file's name); - writes to standard output", DefaultValueFactory = _ => "." };
        return CommandBuilder.Verb("pull", "copy a file out of the guest", [vm, remote, local], async (invocation, cancellationToken) =>
        {
            var from = invocation.Value(remote);
            var to = invocation.Value(local);
            if (to == StandardStream)
            {
                await using var output = Console.OpenStandardOutput();
                await invocation.Client.Vms.PullFileAsync(invocation.Value(vm), from, output, progress: null, cancellationToken);
                return;
            }

            if (Directory.Exists(to)) to = Path.Combine(to, NameOf(from));
            await PullToFileAsync(invocation, invocation.Value(vm), from, to, cancellationToken);
            invocation.Say($"{to} is written");
        });
    }

    /// <summary>Under its name only when it is whole.</summary>
    private static async Task PullToFileAsync(Invocation invocation, string vm, string from, string to, CancellationToken cancellationToken)
    {
        var part = to + ".part";
        try
        {
            using var progress = new Progress();
            await using (var file = new FileStream(part, FileMode.Create, FileAccess.Write))
                await invocation.Client.Vms.PullFileAsync(vm, from, file, new CopyProgress(progress, NameOf(from), null), cancellationToken);
            File.Move(part, to, overwrite: true);
        }
        catch (Exception failure)
        {
            File.Delete(part);
            if (failure is HttpRequestException or HttpIOException)
                throw new CliException(ExitCode.Failed, $"{vm}:{from} broke off: what had come is not the whole file and is removed", $"lamina vm log {vm}");
            throw;
        }
    }

    private static string Named(string remote, string local) => remote.EndsWith('/') && local != StandardStream ? remote + Path.GetFileName(local) : remote;

    /// <summary>The name in a path of the guest's, which may be a Windows.</summary>
    private static string NameOf(string remote) => remote.Split('/', '\\')[^1] is { Length: > 0 } name
        ? name
        : throw new CliException(ExitCode.Usage, $"{remote} names no file");

    private sealed class CopyProgress(Progress progress, string name, long? length) : IProgress<long>
    {
        public void Report(long value)
        {
            int? percent = length is > 0 and { } whole ? (int)(value * 100 / whole) : null;
            progress.Report(percent, length is { } all ? $"copying {name} ({Sizes.Format(value)} of {Sizes.Format(all)})" : $"copying {name} ({Sizes.Format(value)})");
        }
    }
}
