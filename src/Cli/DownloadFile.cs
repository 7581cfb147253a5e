namespace Lamina.Cli;

/// <summary>A file that the daemon gives: whole or not there, and readable by its owner only.</summary>
internal static class DownloadFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <exception cref="CliException">The file is there already.</exception>
    public static async Task WriteAsync(string path, Func<Stream, Task> write)
    {
        var full = TextFile.FullPath(path);
        if (File.Exists(full)) throw new CliException(ExitCode.Conflict, $"there is a file {path} already", "name another one");
        var temporary = full + ".part";
        File.Delete(temporary);
        try
        {
            await using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly }))
                await write(file);
            File.Move(temporary, full);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
