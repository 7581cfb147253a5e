using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Images.Catalogue;

namespace Lamina.Server.Images;

/// <summary>What may be asked of images and uploads (pure).</summary>
internal static class ImageRules
{
    /// <summary>The largest disk that an image may claim to be; a header costs nothing to write.</summary>
    public const long MaxVirtualSizeBytes = 64L << 40;

    /// <summary>Larger files are no disks of ours; the pool's room bounds the rest.</summary>
    public const long MaxUploadBytes = 64L << 40;

    public static void Check(ImageCreate request, InputProblems problems)
    {
        Names.CheckImageName(request.Name, "$.name", problems);
        CheckSource(request, problems);
        CheckSha256(request.Sha256, problems);
        if (request.Sha256 is not null && request.Upload is null && request.Url is null)
            problems.Add("$.sha256", "image.sha256WithoutFile", "A checksum belongs to an upload or a URL: leave it out.");
        CatalogueRules.Check(request, problems);
    }

    public static void Check(UploadCreate request, InputProblems problems)
    {
        if (request.SizeBytes is < 1 or > MaxUploadBytes)
            problems.Add("$.sizeBytes", "upload.sizeRange", $"An upload has between 1 byte and {Sizes.Format(MaxUploadBytes)}.");
    }

    /// <summary>SHA-256 in hexadecimal; null is none.</summary>
    public static void CheckSha256(string? sha256, InputProblems problems)
    {
        if (sha256 is not null && (sha256.Length != 64 || !sha256.All(char.IsAsciiHexDigit)))
            problems.Add("$.sha256", "sha256.invalid", "A SHA-256 has 64 hexadecimal digits, as sha256sum prints it.");
    }

    /// <summary>Names of the disks that are clones of an image: while there are any, it stays.</summary>
    public static IReadOnlyList<string> ClonesOf(string imageId, IEnumerable<DiskSpec> disks) =>
        [.. disks.Where(disk => disk.Image == imageId).Select(disk => disk.Name).Order(StringComparer.Ordinal)];

    /// <summary>Null: the image may go; else who needs it.</summary>
    public static ProblemException? RefuseDelete(string imageName, IReadOnlyList<string> clones) => clones.Count == 0
        ? null
        : ProblemException.Conflict(
            "image.inUse",
            $"Image {imageName} is the base of {clones.Count} disk{(clones.Count == 1 ? "" : "s")}: {Listed(clones)}.",
            "Delete the VMs of these disks first; then delete the image.");

    /// <summary>The first few names, and how many more.</summary>
    public static string Listed(IReadOnlyList<string> names) =>
        names.Count <= 5 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(5))} and {names.Count - 5} more";

    private static void CheckSource(ImageCreate request, InputProblems problems)
    {
        string?[] sources = [request.Recipe, request.Upload, request.Catalogue, request.Url];
        if (sources.Count(source => source is not null) != 1)
        {
            problems.Add("$", "image.source", "Name one of: a recipe to build (“recipe”), a finished upload (“upload”), an entry of the catalogue (“catalogue”), a file of a publisher (“url”).");
            return;
        }

        if (request.Recipe is { } recipe && ImageRecipes.Find(recipe) is null)
        {
            var known = string.Join(", ", ImageRecipes.All.Select(one => one.Name));
            problems.Add("$.recipe", "image.recipeUnknown", $"There is no recipe “{Suggestions.Shorten(recipe)}”; there are: {known}.");
        }
    }
}
