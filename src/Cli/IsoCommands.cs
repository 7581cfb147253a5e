using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Connection;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina iso …</c>: media that a VM reads as they are.</summary>
internal static class IsoCommands
{
    private static readonly IReadOnlyList<Column<Iso>> Columns =
    [
        new("name", i => i.Name),
        new("kind", i => i.Spec.Kind.ToString().ToLowerInvariant()),
        new("state", i => (i.Status?.State ?? ContentState.Preparing).ToString().ToLowerInvariant()),
        new("size", i => i.Status is { SizeBytes: > 0 } s ? Sizes.Format(s.SizeBytes) : null, AlignRight: true),
        new("label", i => i.Status?.Label),
        new("os", i => i.Status?.OperatingSystem),
        new("created", i => Times.Absolute(i.Spec.CreatedAt)),
        new("failure", i => i.Status?.Failure?.Message),
    ];

    public static Command Build() => CommandBuilder.Noun("iso", "ISOs, floppy images, kernels and initial RAM disks", List(), Upload(), Delete());

    private static Command List() => CommandBuilder.Verb("list", "the media of the project", [], async (invocation, cancellationToken) =>
        invocation.Printer.List(await invocation.Client.Isos.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Iso, Columns));

    private static Command Upload()
    {
        var file = new Argument<string>("file");
        var name = new Option<string?>("--name") { Description = "its name (default: the file's)", HelpName = "name" };
        var kind = new Option<IsoKind?>("--kind") { Description = "iso, floppy, kernel or initrd (default: iso)", HelpName = "kind" };
        var pool = new Option<string?>("--pool") { Description = "where it lives", HelpName = "name" };
        return CommandBuilder.Verb("upload", "upload one", [file, name, kind, pool], async (invocation, cancellationToken) =>
        {
            await using var local = FileUpload.Open(invocation.Value(file));
            var wanted = invocation.Value(name) ?? LocalMedia.NameOf(local.Name);
            await new LocalMedia(invocation).UploadAsync(local, wanted, invocation.Value(kind), sha256: null, invocation.Value(pool), cancellationToken);
            invocation.Say($"{wanted} is uploaded");
        });
    }

    private static Command Delete()
    {
        var iso = new Argument<string>("name");
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("delete", "delete one that no VM uses", [iso, yes], async (invocation, cancellationToken) =>
        {
            var name = invocation.Value(iso);
            Terminal.Confirm($"Delete {name}?", invocation.Value(yes));
            var operation = await invocation.Client.Isos.DeleteAsync(name, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"{name} is deleted", cancellationToken);
        });
    }
}
