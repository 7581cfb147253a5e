using Lamina.Api;

namespace Lamina.Cli;

/// <summary>Sends a local file to the daemon, with progress.</summary>
internal static class FileUpload
{
    /// <exception cref="CliException">There is no such file.</exception>
    public static FileStream Open(string path)
    {
        var full = TextFile.FullPath(path);
        if (!File.Exists(full)) throw new CliException(ExitCode.Usage, $"there is no file {path}");
        return File.OpenRead(full);
    }

    public static async Task<Upload> SendAsync(Invocation invocation, FileStream file, string? pool, CancellationToken cancellationToken)
    {
        using var progress = new Progress();
        var create = new UploadCreate { SizeBytes = file.Length, Pool = pool };
        return await invocation.Client.Uploads.SendAsync(file, create, new ByteProgress(progress, $"uploading {Path.GetFileName(file.Name)}", file.Length), cancellationToken);
    }
}
