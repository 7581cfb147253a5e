using Lamina.Linux.Files;
using Xunit;

namespace Lamina.Tests.Unit.Linux;

public sealed class CreationMaskTests
{
    /// <summary>Read back as the kernel has it (proc_pid_status(5)).</summary>
    [Fact]
    public void Others_may_read_what_is_made_without_a_mode()
    {
        CreationMask.SetUsual();
        Assert.Contains("Umask:\t0022", File.ReadAllLines("/proc/self/status"));
    }
}
