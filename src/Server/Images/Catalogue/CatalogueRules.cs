using Lamina.Api;
using Lamina.Api.Input;

namespace Lamina.Server.Images.Catalogue;

/// <summary>What may be pulled from where (pure).</summary>
internal static class CatalogueRules
{
    private const int LongestUrl = 2000;
    private const int MostStars = 3;

    /// <summary>An entry of a catalogue file: its author is an administrator, who may also name a mirror of his own without TLS.</summary>
    public static void Check(CatalogueEntry entry, string path, InputProblems problems)
    {
        Names.CheckImageName(entry.Name, path + ".name", problems);
        if (!entry.Folder.EndsWith('/')) problems.Add(path + ".folder", "url.noFolder", "A folder's URL ends with '/'.");
        CheckUrl(entry.Folder, path + ".folder", allowPlain: true, problems);
        CheckFileName(entry.File, path + ".file", problems);
        CheckFileName(entry.Checksums.Replace("{file}", "", StringComparison.Ordinal) is { Length: > 0 } rest ? rest : "{file}", path + ".checksums", problems);
    }

    /// <summary>The members of a request that pulls by URL. Without TLS a checksum read from the same place would prove nothing.</summary>
    public static void Check(ImageCreate request, InputProblems problems)
    {
        if (request.Url is null)
        {
            if (request.ChecksumsUrl is not null) problems.Add("$.checksumsUrl", "image.checksumsWithoutUrl", "A checksum file belongs to a URL: leave it out.");
            return;
        }

        CheckUrl(request.Url, "$.url", allowPlain: request.Sha256 is not null, problems);
        if (NameOf(request.Url).Length == 0) problems.Add("$.url", "url.noFile", "The URL names a folder: write the file, too.");
        if (request.ChecksumsUrl is { } checksums) CheckUrl(checksums, "$.checksumsUrl", allowPlain: false, problems);
        if (request.ChecksumsUrl is null == request.Sha256 is null)
            problems.Add("$", "image.checksum", "Name the publisher's checksum file (“checksumsUrl”) or give the checksum (“sha256”): what is pulled is always compared with one.");
    }

    /// <summary>The last part of a URL's path.</summary>
    public static string NameOf(string url) => Uri.TryCreate(url, UriKind.Absolute, out var parsed)
        ? Uri.UnescapeDataString(parsed.AbsolutePath[(parsed.AbsolutePath.LastIndexOf('/') + 1)..])
        : "";

    private static void CheckUrl(string url, string path, bool allowPlain, InputProblems problems)
    {
        if (url.Length > LongestUrl || !Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Host.Length == 0 || parsed.UserInfo.Length > 0)
            problems.Add(path, "url.invalid", $"'{Suggestions.Shorten(url)}' is no URL of a public file: write https://HOST/PATH, without a password.");
        else if (parsed.Scheme != Uri.UriSchemeHttps && (!allowPlain || parsed.Scheme != Uri.UriSchemeHttp))
            problems.Add(path, "url.notHttps", $"'{Suggestions.Shorten(url)}' is not https: anybody on the way could change the file and its checksum. Without TLS, give the checksum yourself (“sha256”).");
        else if (url.Count(letter => letter == '*') > MostStars)
            problems.Add(path, "url.tooManyStars", $"At most {MostStars} times '*'.");
    }

    private static void CheckFileName(string name, string path, InputProblems problems)
    {
        if (name.Length is 0 or > 255 || name.Contains('/', StringComparison.Ordinal) || name.Any(char.IsControl) || name is "." or "..")
            problems.Add(path, "file.invalid", $"'{Suggestions.Shorten(name)}' is no name of a file in the folder.");
        else if (name.Count(letter => letter == '*') > MostStars)
            problems.Add(path, "url.tooManyStars", $"At most {MostStars} times '*'.");
    }
}
