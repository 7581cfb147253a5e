using System.Security.Cryptography;
using Lamina.Api;

namespace Lamina.Cli;

/// <summary>
/// Media named on the command line: an uploaded name, or a file. A value that begins with <c>.</c>, <c>/</c> or <c>~</c> is a file and is uploaded first,
/// unless the same content is there already.
/// </summary>
internal sealed class LocalMedia(Invocation invocation)
{
    private const int LongestName = 50;

    public static bool IsFile(string value) => value.Length > 0 && value[0] is '.' or '/' or '~';

    public async Task<IReadOnlyList<string>?> ResolveAllAsync(string[] values, IsoKind kind, CancellationToken cancellationToken)
    {
        var names = new List<string>();
        foreach (var value in values) names.Add((await ResolveAsync(value, kind, cancellationToken))!);
        return names.Count == 0 ? null : names;
    }

    /// <returns>The name by which the daemon knows the medium.</returns>
    /// <exception cref="CliException">There is no such file.</exception>
    public async Task<string?> ResolveAsync(string? value, IsoKind kind, CancellationToken cancellationToken)
    {
        if (value is null || !IsFile(value)) return value;
        await using var file = FileUpload.Open(value);
        var sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken));
        var known = new List<Iso>();
        await foreach (var iso in invocation.Client.Isos.ListAsync(cancellationToken)) known.Add(iso);
        var same = known.FirstOrDefault(i => i.Status is { State: ContentState.Ready } s && s.Sha256 == sha256 && i.Spec.Kind == kind);
        return same?.Name ?? await UploadAsync(file, FreeName(value, sha256, known), kind, sha256, pool: null, cancellationToken);
    }

    /// <summary>Sends the file and makes it a medium under the name.</summary>
    /// <exception cref="CliException">The daemon refused it.</exception>
    public async Task<string> UploadAsync(FileStream file, string name, IsoKind? kind, string? sha256, string? pool, CancellationToken cancellationToken)
    {
        file.Position = 0;
        var upload = await FileUpload.SendAsync(invocation, file, pool, cancellationToken);
        var create = new IsoCreate { Name = name, Pool = pool, Kind = kind, Upload = upload.Id, Sha256 = sha256 };
        var operation = await invocation.Client.Isos.CreateAsync(create, cancellationToken);
        using var progress = new Progress();
        var ended = await invocation.Client.Operations.WaitAsync(
            operation.Id, o => progress.Report(o.State?.ProgressPercent, o.State?.Message ?? name), cancellationToken);
        return ended.State?.Failure is { } failure ? throw new CliException(ExitCode.Failed, $"{file.Name}: {failure.Message}", failure.Remedy) : name;
    }

    private static string FreeName(string path, string sha256, List<Iso> known)
    {
        var name = NameOf(path);
        return known.Any(i => i.Name == name) ? $"{name}-{sha256[..8]}" : name;
    }

    /// <summary>The file's name without its ending as an RFC 1123 label.</summary>
    internal static string NameOf(string path)
    {
        var letters = Path.GetFileNameWithoutExtension(path).ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-');
        var label = string.Concat(letters).Trim('-');
        if (label.Length > LongestName) label = label[..LongestName].Trim('-');
        return label.Length == 0 ? "medium" : label;
    }
}
