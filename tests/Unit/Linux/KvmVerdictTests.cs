using Lamina.Linux.Host;
using Xunit;

namespace Lamina.Tests.Unit.Linux;

public class KvmVerdictTests
{
    [Theory]
    [InlineData("AuthenticAMD", "AMD EPYC", "fpu sse", null, "AMD EPYC, no AMD-V here → guests run under software translation (slower)")]
    [InlineData("GenuineIntel", "Intel Xeon", "fpu", null, "Intel Xeon, no VT-x here → guests run under software translation (slower)")]
    [InlineData("GenuineIntel", "Intel Xeon", "vmx ept", "/dev/kvm is not: load it",
        "Intel Xeon, VT-x is there, but /dev/kvm is not: load it → guests run under software translation (slower)")]
    [InlineData("GenuineIntel", "Intel Xeon", "vmx ept", "", "Intel Xeon, VT-x with nested paging → guests run on the processor itself (KVM)")]
    [InlineData("AuthenticAMD", "", "svm", "", "AuthenticAMD, AMD-V → guests run on the processor itself (KVM)")]
    public void It_is_said_in_words(string vendor, string model, string flags, string? failure, string expected)
    {
        var trial = failure is null ? null : new KvmTrial(failure.Length == 0 ? null : failure);
        var verdict = KvmVerdict.From(new(vendor, model, 1, 1, flags.Split(' ').ToHashSet()), trial, hasIommu: false);
        Assert.Equal(expected, verdict.Summary);
        Assert.Equal(failure == "", verdict.Works);
    }

    [Fact]
    public void A_try_that_worked_is_not_believed_where_the_processor_has_no_extension()
    {
        // A machine whose /dev/kvm only emulates: a handful of instructions run, an operating system does not.
        var verdict = KvmVerdict.From(new("AuthenticAMD", "AMD EPYC", 1, 1, new HashSet<string> { "npt" }), new(Failure: null), hasIommu: true);
        Assert.False(verdict.Works);
        Assert.True(verdict.HasNestedPaging && verdict.HasIommu);
    }

    [Fact]
    public void A_first_guest_that_is_late_is_waited_for()
    {
        var cpu = new CpuFacts("AuthenticAMD", "AMD EPYC", 1, 1, new HashSet<string> { "svm" });
        Assert.False(KvmVerdict.From(cpu, new("it has not answered yet") { HasAnswered = false }, hasIommu: false).IsFinal);
        Assert.True(KvmVerdict.From(cpu, new("it went wrong"), hasIommu: false).IsFinal);
        Assert.True(KvmVerdict.From(cpu with { Flags = new HashSet<string>() }, tried: null, hasIommu: false).IsFinal);
    }
}
