using Lamina.Linux.Host;
using Xunit;

namespace Lamina.Tests.Integration.Linux;

public class KvmProbeTests
{
    [Fact]
    public void The_verdict_names_this_processor_and_its_reason()
    {
        var cpu = CpuFacts.Read();
        var verdict = KvmProbe.Run();
        Assert.StartsWith(cpu.Model, verdict.Summary, StringComparison.Ordinal);
        Assert.Equal(Environment.ProcessorCount, cpu.Threads);
        if (!cpu.Flags.Contains("svm") && !cpu.Flags.Contains("vmx")) Assert.False(verdict.Works);
    }

    [Fact]
    public void A_first_guest_runs_where_there_is_kvm_and_else_the_reason_is_told()
    {
        // Also where only kernel code is emulated these few instructions must run; that is why the verdict asks the processor too.
        var trial = KvmGuest.Try();
        if (!File.Exists("/dev/kvm")) Assert.Contains("/dev/kvm is not", trial.Failure, StringComparison.Ordinal);
        else Assert.Null(trial.Failure);
    }
}
