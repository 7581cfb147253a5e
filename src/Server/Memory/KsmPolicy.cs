using Lamina.Api;

namespace Lamina.Server.Memory;

/// <summary>
/// Whether the kernel shall merge identical pages (pure). The usual is to leave it as it is: a guest can tell by the time that a write takes whether
/// another one holds the same page, and has used that to read secrets and to flip bits of other guests, so somebody has to want it.
/// </summary>
internal static class KsmPolicy
{
    private const int OnPercent = 80;
    private const int OffPercent = 70;

    /// <returns>Null: as it is.</returns>
    public static bool? Next(KsmMode mode, bool runs, long totalBytes, long availableBytes)
    {
        double used = 100.0 * (totalBytes - availableBytes) / totalBytes;
        bool wanted = mode switch
        {
            KsmMode.Off => false,
            KsmMode.On => true,
            KsmMode.Auto when used > OnPercent => true,
            KsmMode.Auto when used < OffPercent => false,
            _ => runs,
        };
        return wanted == runs ? null : wanted;
    }
}
