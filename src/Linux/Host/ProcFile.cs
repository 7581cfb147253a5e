using System.Globalization;
using System.Text;

namespace Lamina.Linux.Host;

/// <summary>Small text files that the kernel makes up when they are read (proc(5), sysfs).</summary>
internal static class ProcFile
{
    private const int MostBytes = 1 << 20;

    [ThreadStatic]
    private static byte[]? t_buffer;

    /// <returns>Null when there is no such file, or what it tells of ended meanwhile.</returns>
    public static string? TryRead(string path)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] buffer = t_buffer ??= new byte[16 * 1024];
            int length = 0;
            while (length < MostBytes)
            {
                if (length == buffer.Length) Array.Resize(ref buffer, 2 * buffer.Length);
                int read = RandomAccess.Read(file, buffer.AsSpan(length), length);
                if (read == 0) break;
                length += read;
            }

            t_buffer = buffer;
            return Encoding.ASCII.GetString(buffer, 0, length);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>From lines `name value` or `name: value kB`.</summary>
    public static long? Number(string text, string name)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (!line.StartsWith(name, StringComparison.Ordinal) || line.Length == name.Length || line[name.Length] is not (' ' or '\t' or ':')) continue;
            var value = line[name.Length..].TrimStart(": \t");
            int end = value.IndexOf(' ');
            return long.TryParse(end < 0 ? value : value[..end], NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
        }

        return null;
    }
}
