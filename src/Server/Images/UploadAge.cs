using Lamina.Api;

namespace Lamina.Server.Images;

/// <summary>When an upload that nobody takes over is given up (pure).</summary>
internal static class UploadAge
{
    public static readonly TimeSpan Kept = TimeSpan.FromDays(1);

    /// <param name="spec">The upload.</param>
    /// <param name="lastWrite">When bytes came last; null: none yet.</param>
    /// <param name="now">Wall time: files' times are nothing else.</param>
    public static bool IsOver(UploadSpec spec, DateTimeOffset? lastWrite, DateTimeOffset now) =>
        now - (lastWrite > spec.CreatedAt ? lastWrite.Value : spec.CreatedAt) > Kept;
}
