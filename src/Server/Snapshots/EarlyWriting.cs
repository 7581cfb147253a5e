using Lamina.Linux.Files;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Snapshots;

/// <summary>
/// Sends a file to its disk while QEMU still writes it. Left to the flush at the end, the disk would begin with a guest's memory only when the last byte of
/// it is there, and the snapshot would take as long as both together.
/// </summary>
internal sealed class EarlyWriting : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _ends = new();
    private readonly Task _writing;

    private EarlyWriting(SafeFileHandle file, TimeProvider time) => _writing = Task.Run(() => WriteAsync(file, time, _ends.Token));

    /// <param name="file">Stays open until this is disposed.</param>
    /// <param name="time">Paces it.</param>
    public static EarlyWriting Begin(SafeFileHandle file, TimeProvider time) => new(file, time);

    public async ValueTask DisposeAsync()
    {
        await _ends.CancelAsync();
        await _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ends.Dispose();
    }

    private static async Task WriteAsync(SafeFileHandle file, TimeProvider time, CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(Interval, time, cancellationToken);
            DurableFile.BeginWriting(file);
        }
    }
}
