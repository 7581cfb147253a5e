using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Connection;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina image …</c></summary>
internal static class ImageCommands
{
    private static readonly IReadOnlyList<Column<Image>> Columns =
    [
        new("name", i => i.Name),
        new("state", i => (i.Status?.State ?? ContentState.Preparing).ToString().ToLowerInvariant()),
        new("size", i => i.Status is { VirtualSizeBytes: > 0 } s ? Sizes.Format(s.VirtualSizeBytes) : null, AlignRight: true),
        new("allocated", i => i.Status is { AllocatedBytes: > 0 } s ? Sizes.Format(s.AllocatedBytes) : null, AlignRight: true),
        new("origin", Origin),
        new("version", i => i.Spec.Version),
        new("clones", i => i.Clones > 0 ? i.Clones.ToString() : null, AlignRight: true),
        new("created", i => Times.Absolute(i.Spec.CreatedAt)),
        new("failure", i => i.Status?.Failure?.Message),
    ];

    private static readonly IReadOnlyList<Column<CatalogueImage>> CatalogueColumns =
    [
        new("name", c => c.Name),
        new("title", c => c.Title),
        new("pulled", c => c.Version),
        new("url", c => c.Url),
    ];

    public static Command Build() => CommandBuilder.Noun("image", "what disks are made from",
        List(), Show(), Catalogue(), Pull(), BuildRecipe(), Import(), Capture(), ImagePruneCommand.Build(), Delete());

    private static string Origin(Image image) => image.Spec switch
    {
        { Recipe: { } recipe } => $"built ({recipe})",
        { Origin: ImageOrigin.Vm } => "made from a VM",
        { Source: { } source } => $"pulled ({source.Catalogue ?? source.Url})",
        _ => $"imported ({image.Status?.SourceFormat ?? "?"})",
    };

    private static Command List() => CommandBuilder.Verb("list", "the images of the project", [], async (invocation, cancellationToken) =>
        invocation.Printer.List(await invocation.Client.Images.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Image, Columns));

    private static Command Show()
    {
        var image = new Argument<string>("image");
        return CommandBuilder.Verb("show", "everything about one", [image], async (invocation, cancellationToken) =>
            invocation.Printer.Show((await invocation.Client.Images.GetAsync(invocation.Value(image), cancellationToken)).Value, ApiJson.Default.Image, Columns));
    }

    private static Command Catalogue() => CommandBuilder.Verb("catalogue", "the public images that can be pulled", [], async (invocation, cancellationToken) =>
        invocation.Printer.List(await invocation.Client.Images.CatalogueAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.CatalogueImage, CatalogueColumns));

    private static Command Pull()
    {
        var image = new Argument<string>("image") { Description = "debian/12, as 'image catalogue' lists it; with --url any name" };
        var name = new Option<string?>("--name") { Description = "another name (default: the catalogue's)", HelpName = "name" };
        var pool = new Option<string?>("--pool") { Description = "where it lives", HelpName = "name" };
        var url = new Option<string?>("--url") { Description = "pull this file instead (administrators)", HelpName = "url" };
        var checksums = new Option<string?>("--checksums") { Description = "the publisher's checksum file, for --url", HelpName = "url" };
        var sha256 = new Option<string?>("--sha256") { Description = "the checksum itself, for --url", HelpName = "hex" };
        var plain = new Option<bool>("--no-cloud-init") { Description = "its guest has no cloud-init" };
        return CommandBuilder.Verb("pull", "download a public image and check it; again, for a newer version", [image, name, pool, url, checksums, sha256, plain], async (invocation, cancellationToken) =>
        {
            var create = new ImageCreate
            {
                Name = invocation.Value(name) ?? invocation.Value(image),
                Pool = invocation.Value(pool),
                Catalogue = invocation.Value(url) is null ? invocation.Value(image) : null,
                Url = invocation.Value(url),
                ChecksumsUrl = invocation.Value(checksums),
                Sha256 = invocation.Value(sha256),
                CloudInit = invocation.Value(plain) ? false : null,
            };
            var operation = await OperationFollower.FollowAsync(invocation, await invocation.Client.Images.CreateAsync(create, cancellationToken), cancellationToken);
            bool upToDate = (bool?)operation.State?.Result?["upToDate"] ?? false;
            return OperationFollower.Conclude(invocation, operation, upToDate ? $"image {create.Name} is up to date" : $"image {create.Name} is pulled");
        });
    }

    private static Command BuildRecipe()
    {
        var recipe = new Argument<string>("recipe") { Description = "debian/12" };
        var name = new Option<string?>("--name") { Description = "another name (default: the recipe's)", HelpName = "name" };
        return CommandBuilder.Verb("build", "build one from the package sources of the host", [recipe, name], (invocation, cancellationToken) =>
            CreateAsync(invocation, new ImageCreate { Name = invocation.Value(name) ?? invocation.Value(recipe), Recipe = invocation.Value(recipe) }, "built", cancellationToken));
    }

    private static Command Import()
    {
        var file = new Argument<string>("file") { Description = "qcow2, raw, vmdk, vhdx or vdi" };
        var name = new Option<string?>("--name") { Description = "its name (default: the file's)", HelpName = "name" };
        var pool = new Option<string?>("--pool") { Description = "where it lives", HelpName = "name" };
        var sha256 = new Option<string?>("--sha256") { Description = "refuse it when its checksum is another", HelpName = "hex" };
        var plain = new Option<bool>("--no-cloud-init") { Description = "its guest has no cloud-init" };
        return CommandBuilder.Verb("import", "upload a disk image", [file, name, pool, sha256, plain], async (invocation, cancellationToken) =>
        {
            await using var local = FileUpload.Open(invocation.Value(file));
            var upload = await FileUpload.SendAsync(invocation, local, invocation.Value(pool), cancellationToken);
            var create = new ImageCreate
            {
                Name = invocation.Value(name) ?? LocalMedia.NameOf(local.Name),
                Pool = invocation.Value(pool),
                Upload = upload.Id,
                Sha256 = invocation.Value(sha256),
                CloudInit = !invocation.Value(plain),
            };
            return await CreateAsync(invocation, create, "imported", cancellationToken);
        });
    }

    private static Command Capture()
    {
        var name = new Argument<string>("name");
        var vm = new Option<string>("--from-vm") { Description = "the VM whose disk it is made from, stopped or running", HelpName = "vm", Required = true };
        var snapshot = new Option<string?>("--snapshot") { Description = "as it was at this snapshot", HelpName = "name" };
        var disk = new Option<int?>("--disk") { Description = "slot of the disk (default: the first one)", HelpName = "n" };
        var pool = new Option<string?>("--pool") { Description = "where it lives", HelpName = "name" };
        var plain = new Option<bool>("--no-cloud-init") { Description = "its guest has no cloud-init" };
        return CommandBuilder.Verb("create", "make one from a VM's disk", [name, vm, snapshot, disk, pool, plain], async (invocation, cancellationToken) =>
        {
            var capture = new VmCapture
            {
                Name = invocation.Value(name),
                Snapshot = invocation.Value(snapshot),
                Disk = invocation.Value(disk),
                Pool = invocation.Value(pool),
                CloudInit = invocation.Value(plain) ? false : null,
            };
            var operation = await invocation.Client.Vms.CaptureAsync(invocation.Value(vm)!, capture, cancellationToken);
            var ended = await OperationFollower.FollowAsync(invocation, operation, cancellationToken);
            foreach (string line in ended.State?.Log ?? []) invocation.Say(line);
            return await OperationFollower.FinishAsync(invocation, ended, $"image {capture.Name} is made", cancellationToken);
        });
    }

    private static Command Delete()
    {
        var image = new Argument<string>("image");
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("delete", "delete one that no disk is made from", [image, yes], async (invocation, cancellationToken) =>
        {
            var name = invocation.Value(image);
            Terminal.Confirm($"Delete image {name}?", invocation.Value(yes));
            var operation = await invocation.Client.Images.DeleteAsync(name, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"image {name} is deleted", cancellationToken);
        });
    }

    private static async Task<ExitCode> CreateAsync(Invocation invocation, ImageCreate create, string done, CancellationToken cancellationToken)
    {
        var operation = await invocation.Client.Images.CreateAsync(create, cancellationToken);
        return await OperationFollower.FinishAsync(invocation, operation, $"image {create.Name} is {done}", cancellationToken);
    }
}
