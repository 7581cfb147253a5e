using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli;

/// <summary><c>lamina image prune</c>: lists the images that nothing is made from, then deletes them.</summary>
internal static class ImagePruneCommand
{
    public static Command Build()
    {
        var all = new Option<bool>("--all") { Description = "newest versions and own images, too" };
        var dryRun = new Option<bool>("--dry-run") { Description = "only list them" };
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("prune", "delete replaced versions that no disk is made from", [all, dryRun, yes], async (invocation, cancellationToken) =>
        {
            var images = await invocation.Client.Images.ListAsync(cancellationToken).ToListAsync(cancellationToken);
            var unused = images.Where(image => IsUnused(image, invocation.Value(all))).ToList();
            if (unused.Count == 0)
            {
                invocation.Say("every image is in use, or is the newest of its name");
                return ExitCode.Done;
            }

            foreach (var image in unused) invocation.Say($"{image.Name}  {Sizes.Format(image.Status!.AllocatedBytes)}");
            string total = Sizes.Format(unused.Sum(image => image.Status!.AllocatedBytes));
            if (invocation.Value(dryRun)) return ExitCode.Done;
            Terminal.Confirm($"Delete {(unused.Count == 1 ? "this image" : $"these {unused.Count} images")} ({total})?", invocation.Value(yes));
            return await DeleteAsync(invocation, unused, cancellationToken);
        });
    }

    /// <summary>A replaced version bears its version in its name.</summary>
    private static bool IsUnused(Image image, bool all) =>
        image is { Clones: 0, Status.State: ContentState.Ready, Spec.Deleting: null } && (all || image.Name.Contains('@', StringComparison.Ordinal));

    private static async Task<ExitCode> DeleteAsync(Invocation invocation, IEnumerable<Image> images, CancellationToken cancellationToken)
    {
        var worst = ExitCode.Done;
        foreach (var image in images)
        {
            var operation = await invocation.Client.Images.DeleteAsync(image.Id, cancellationToken);
            var ended = await OperationFollower.FinishAsync(invocation, operation, $"image {image.Name} is deleted", cancellationToken);
            if (ended != ExitCode.Done) worst = ended;
        }

        return worst;
    }
}
