using Lamina.Api;
using Lamina.Engine;

namespace Lamina.Server.Vms;

/// <summary>The engine's facts as records and people have them.</summary>
internal static class VmWords
{
    private const int TailLength = 400;

    public static string OfExit(VmExited exited)
    {
        string how = exited switch
        {
            { Signal: { } signal } => $"killed by signal {signal}",
            { ExitCode: { } code } => $"ended with exit code {code}",
            _ => "its process is gone",
        };
        string tail = exited.StderrTail.Trim();
        return tail.Length == 0 ? how : $"{how}: {(tail.Length <= TailLength ? tail : "…" + tail[^TailLength..])}";
    }

    /// <summary>Of a process without a record of it: why this one was chosen is not known any more.</summary>
    public static Api.Accelerator AcceleratorOf(VmDefinition definition) => new()
    {
        Kind = definition.Accelerator == Engine.Accelerator.Kvm ? AcceleratorKind.Kvm : AcceleratorKind.Tcg,
        Reason = "as it was started",
    };

    /// <summary>What the store has allocated; the guest's agent knows better once it answers.</summary>
    public static IReadOnlyList<string> ExpectedAddresses(this VmSpec spec) => [.. spec.Nics.Select(nic => nic.Address).OfType<string>()];

    /// <summary>What a step's exception means to a person.</summary>
    public static Failure OfFailure(Exception exception) => exception switch
    {
        ProblemException problem => problem.ToFailure(),
        VmEngineException engine => new Failure { Code = CodeOf(engine.Failure), Message = engine.Message, Remedy = engine.Remedy },
        ContinueRefusedException refused => new Failure
        {
            Code = "vm.continueRefused",
            Message = refused.Message,
            Remedy = "Its guest belongs to a migration or another job: wait until that has ended.",
        },
        OperationCanceledException => new Failure { Code = "operation.cancelled", Message = "It was cancelled." },
        _ => new Failure { Code = "internal", Message = exception.Message, Remedy = "The daemon's log says more." },
    };

    private static string CodeOf(VmEngineFailure failure) => failure switch
    {
        VmEngineFailure.EngineMissing => "engine.missing",
        VmEngineFailure.StartFailed => "engine.startFailed",
        VmEngineFailure.FileUnusable => "engine.fileUnusable",
        VmEngineFailure.HostResource => "engine.hostResource",
        VmEngineFailure.BadDefinition => "engine.badDefinition",
        VmEngineFailure.AlreadyRunning => "engine.alreadyRunning",
        _ => "engine.noRecord",
    };
}
