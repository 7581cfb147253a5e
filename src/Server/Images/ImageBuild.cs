using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Processes;
using Lamina.Server.Pools;

namespace Lamina.Server.Images;

/// <summary>Builds an image from a recipe: the script's progress becomes the operation's, its last words the failure.</summary>
internal sealed class ImageBuild(HostPools pools, TimeProvider time)
{
    private const int LoggedLines = 60;

    /// <summary>Runs the recipe's script.</summary>
    /// <param name="work">Where and for whom.</param>
    /// <param name="recipe">What to build.</param>
    /// <param name="report">Told percent and words.</param>
    /// <param name="log">Told the tools' last words when the script failed.</param>
    /// <param name="cancellation">Ends the script and all that it started.</param>
    /// <returns>The status that the image will have.</returns>
    /// <exception cref="ProblemException">The pool has no room, or the script failed, in its words.</exception>
    public async Task<ImageStatus> RunAsync(ImageWork work, ImageRecipe recipe, Action<int?, string> report, Action<string> log, CancellationToken cancellation)
    {
        if (pools.TryReserve(work.PoolId, work.Operation, $"building {recipe.Name}", recipe.RoomBytes) is { } full) throw HostPools.ProblemOf(full);
        try
        {
            await ToolRun.RunAsync(
                new ToolSpec
                {
                    // A mount namespace of its own: what it mounts vanishes with its processes, however they end, and never stands in the host's way.
                    Program = "unshare",
                    Arguments = ["--mount", "--propagation", "private", "/bin/bash", recipe.Script, Path.Join(work.Folder, ImageWork.ResultName), Path.Join(work.Folder, "work")],
                    Operation = work.Operation,
                    Deadline = recipe.Deadline,
                    OnLine = line =>
                    {
                        if (ImageRecipes.ProgressOf(line) is var (percent, text)) report(percent, text);
                    },
                },
                time,
                cancellation);
        }
        catch (CommandException failure)
        {
            foreach (var line in Lines(failure.Result.ErrorText).TakeLast(LoggedLines)) log(line);
            throw Failed(recipe, LastWords(failure.Result.ErrorText), failure);
        }
        catch (Exception failure) when (failure is TimeoutException or LinuxException)
        {
            throw Failed(recipe, failure.Message, failure);
        }

        return ImageImport.Finished(work, null);
    }

    /// <summary>A recipe ends its complaint with a line <c>error: WHAT. REMEDY</c>; without one, the last lines have to do.</summary>
    internal static string LastWords(string errorText)
    {
        var lines = Lines(errorText);
        return lines.LastOrDefault(line => line.StartsWith("error: ", StringComparison.Ordinal))?["error: ".Length..]
            ?? (lines.Length == 0 ? "it said nothing" : string.Join(" | ", lines.TakeLast(3)));
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static ProblemException Failed(ImageRecipe recipe, string words, Exception cause) => new(
        ProblemKind.Unprocessable, "image.buildFailed", $"Building {recipe.Name} failed: {words}",
        "The operation's log has the tool's own words; mend the cause and build again.", cause);
}
