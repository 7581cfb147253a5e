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
        return await invocation.Client.Uploads.SendAsync(file, create, new ByteProgress(progress, file), cancellationToken);
    }

    // Progress<T> would report from a pool thread, late; this one draws where it is told.
    private sealed class ByteProgress(Progress progress, FileStream file) : IProgress<long>
    {
        private int last = -1;

        public void Report(long value)
        {
            var percent = file.Length == 0 ? 100 : (int)(value * 100 / file.Length);
            if (percent == last) return;
            last = percent;
            progress.Report(percent, $"uploading {Path.GetFileName(file.Name)} ({Sizes.Format(value)} of {Sizes.Format(file.Length)})");
        }
    }
}
