using Lamina.Engine;
using Lamina.Engine.Qemu;
using Lamina.Linux.Processes;

namespace Lamina.Tests.Unit.Engine.Qemu;

public class StartFailureTests
{
    [Theory]
    [InlineData("qemu: -blockdev {...}: Failed to get \"write\" lock\nIs another process using the image [disk0]?", "Another process uses this disk")]
    [InlineData("qemu: cannot set up guest memory 'ram0': Cannot allocate memory", "less memory")]
    [InlineData("qemu: -machine pc-q35-9.9: unsupported machine type", "machine type")]
    [InlineData("qemu: Could not access KVM kernel module: Permission denied", "/dev/kvm")]
    [InlineData("qemu: something new", "lamina doctor")]
    [InlineData("", "lamina doctor")]
    public void The_advice_fits_what_QEMU_said(string stderr, string remedy)
    {
        var failure = StartFailure.Describe(Scenarios.Small("pc-q35-7.2"), new ChildExit(1, null), stderr);
        Assert.Equal((VmEngineFailure.StartFailed, stderr), (failure.Failure, failure.StderrTail));
        Assert.Contains(stderr.Length > 0 ? stderr : "it said nothing", failure.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, failure.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void A_signal_is_named()
    {
        var failure = StartFailure.Describe(Scenarios.Small("pc-q35-7.2"), new ChildExit(null, 9), "");
        Assert.StartsWith("QEMU of VM web1 was ended by signal 9", failure.Message, StringComparison.Ordinal);
    }
}
