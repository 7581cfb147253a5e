using Lamina.Api;

namespace Lamina.Cli;

/// <summary>Shows how much of a file has travelled. <see cref="Progress{T}"/> would tell it from a pool thread, late; this one draws where it is told.</summary>
internal sealed class ByteProgress(Progress progress, string what, long sizeBytes) : IProgress<long>
{
    private int last = -1;

    public void Report(long value)
    {
        var percent = sizeBytes == 0 ? 100 : (int)(value * 100 / sizeBytes);
        if (percent == last) return;
        last = percent;
        progress.Report(percent, $"{what} ({Sizes.Format(value)} of {Sizes.Format(sizeBytes)})");
    }
}
