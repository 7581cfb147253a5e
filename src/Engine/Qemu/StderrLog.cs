using System.Text;
using Lamina.Linux.Files;

namespace Lamina.Engine.Qemu;

/// <summary>
/// The last words of a QEMU. They wait in a named pipe (see <see cref="Fifo"/>), so they survive the daemon and are bounded whatever a
/// guest provokes.
/// </summary>
internal sealed class StderrLog(string path)
{
    private const int PipeBytes = 64 * 1024;
    private const int TailBytes = 8 * 1024;

    private readonly Lock _lock = new();
    private byte[] _tail = [];

    /// <summary>Takes what has come and returns the tail of everything.</summary>
    public string ReadTail()
    {
        lock (_lock)
        {
            var news = Fifo.ReadAvailable(path, PipeBytes);
            if (news.Length > 0)
            {
                byte[] all = [.. _tail, .. news];
                _tail = all.Length <= TailBytes ? all : all[^TailBytes..];
            }
            return Encoding.UTF8.GetString(_tail).Trim();
        }
    }
}
