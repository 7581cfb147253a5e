namespace Lamina.Engine.Qemu;

/// <summary>
/// Whether an unprivileged QEMU may wait for pages in the kernel, as post-copy must (userfaultfd(2)): the kernel asks for a capability that no QEMU is
/// given, unless this setting says otherwise.
/// </summary>
internal static class PostCopySupport
{
    private const string Setting = "/proc/sys/vm/unprivileged_userfaultfd";

    public const string Remedy = "Set it with `sysctl -w vm.unprivileged_userfaultfd=1`, or migrate without post-copy.";

    /// <summary>Null = it may.</summary>
    public static string? Problem()
    {
        try
        {
            return File.ReadAllText(Setting).Trim() == "1" ? null : "the kernel's setting vm.unprivileged_userfaultfd is 0.";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "the kernel has no userfaultfd.";
        }
    }
}
