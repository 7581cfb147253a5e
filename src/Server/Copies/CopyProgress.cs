using Lamina.Api;

namespace Lamina.Server.Copies;

/// <summary>Adds up what several files of one operation have copied, and says it.</summary>
internal sealed class CopyProgress(long totalBytes, string what, Action<int?, string> report, Action<long> left)
{
    private long _copied;
    private int _percent = -1;

    /// <summary>So much more is done; from any thread.</summary>
    public void Add(long bytes)
    {
        long copied = Interlocked.Add(ref _copied, bytes);
        int percent = totalBytes <= 0 ? 100 : (int)Math.Min(100, copied * 100 / totalBytes);
        if (Interlocked.Exchange(ref _percent, percent) == percent) return;
        left(Math.Max(0, totalBytes - copied));
        report(percent, $"copying {what} ({Sizes.Format(copied)} of {Sizes.Format(totalBytes)})");
    }
}
