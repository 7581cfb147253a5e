using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary><c>lamina vm export</c></summary>
internal static class VmExportCommand
{
    public static Command Build()
    {
        var vm = VmArgument.Create();
        var file = new Argument<string>("file") { Description = "where to: the ending tells the format (.qcow2, .raw, .img, .vmdk, .vhdx, .vdi)" };
        var format = new Option<ExportFormat?>("--disk-format") { Description = "qcow2, raw, vmdk (stream-optimised), vhdx or vdi", HelpName = "format" };
        var disk = new Option<int?>("--disk") { Description = "slot of the disk (default: the first one)", HelpName = "n" };
        var snapshot = new Option<string?>("--snapshot") { Description = "as it was at this snapshot", HelpName = "name" };
        var compress = new Option<bool>("--compress") { Description = "compress the data (qcow2)" };
        var overwrite = new Option<bool>("--overwrite") { Description = "also when the file is there" };
        return CommandBuilder.Verb("export", "write a disk of it to a file here", [vm, file, format, disk, snapshot, compress, overwrite], async (invocation, cancellationToken) =>
        {
            string path = TextFile.FullPath(invocation.Value(file));
            if (File.Exists(path) && !invocation.Value(overwrite)) throw new CliException(ExitCode.Usage, $"{invocation.Value(file)} is there already", "add --overwrite, or name another file");
            var export = new VmExport
            {
                Format = invocation.Value(format) ?? FormatOf(path),
                Disk = invocation.Value(disk),
                Snapshot = invocation.Value(snapshot),
                Compress = invocation.Value(compress),
            };
            // Where it cannot be written is said before anything is copied.
            await using var target = File.Open(path, FileMode.Create, FileAccess.ReadWrite);
            var operation = await invocation.Client.Vms.ExportAsync(invocation.Value(vm), export, cancellationToken);
            if (!invocation.Wait) throw new CliException(ExitCode.Usage, $"--no-wait leaves nobody to fetch the file; operation {operation.Id} goes on", $"fetch it: lamina api GET /v1/exports/{operation.Id}");
            var ended = await OperationFollower.FollowAsync(invocation, operation, cancellationToken);
            if (ended.State?.Phase == OperationPhase.Succeeded) await FetchAsync(invocation, ended, target, cancellationToken);
            else File.Delete(path);
            return await OperationFollower.FinishAsync(invocation, ended, $"{invocation.Value(vm)} is exported to {invocation.Value(file)} ({Sizes.Format(target.Length)})", cancellationToken);
        });
    }

    private static async Task FetchAsync(Invocation invocation, Operation export, FileStream target, CancellationToken cancellationToken)
    {
        long size = (long?)export.State!.Result?["sizeBytes"] ?? 0;
        using (var progress = new Progress())
            await invocation.Client.Exports.FetchAsync(export.Id, target, new ByteProgress(progress, $"fetching {Path.GetFileName(target.Name)}", size), cancellationToken);
        if (target.Length != size) throw new CliException(ExitCode.Failed, $"{target.Length} of {size} bytes came", "ask again; the export waits for a day");
        target.Flush(flushToDisk: true);
        await invocation.Client.Exports.DeleteAsync(export.Id, cancellationToken);
    }

    private static ExportFormat FormatOf(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".raw" or ".img" => ExportFormat.Raw,
        ".vmdk" => ExportFormat.Vmdk,
        ".vhdx" => ExportFormat.Vhdx,
        ".vdi" => ExportFormat.Vdi,
        _ => ExportFormat.Qcow2,
    };
}
