using Lamina.Api;

namespace Lamina.Server.Vms.Rules;

/// <summary>What can be asked of a VM's power.</summary>
internal enum VmVerb
{
    Start,
    Shutdown,
    Stop,
    ForcedStop,
    Pause,
    Resume,
    Reset,
    Exec,

    /// <summary>Of devices and sizes; a running guest takes it at once where it can.</summary>
    Change,
    Delete,
    ForcedDelete,
}

/// <summary>Which move is legal in which state (pure). What already is may be asked for and succeeds at once; an illegal move is refused with its reason.</summary>
internal static class VmMoves
{
    /// <exception cref="ProblemException">409: the state forbids it; the remedy says what to do first.</exception>
    public static void Require(VmVerb verb, VmSpec spec, VmStatus? status)
    {
        if (spec.Deleting is { } deleting) throw ProblemException.Conflict("vm.deleting", $"VM '{spec.Name}' is being deleted.", $"Follow it: lamina operation show {deleting}.");
        if (spec.Template && verb is VmVerb.Start) throw ProblemException.Conflict(
            "vm.template", $"'{spec.Name}' is a template, and templates do not start.", $"Make a VM of it: lamina vm launch NAME --template {spec.Name}; or make it a VM again: lamina vm template {spec.Name} --undo.");
        if (Refusal(verb, spec.Name, status?.State ?? VmState.Stopped, status?.PauseCause) is { } refusal) throw refusal;
    }

    private static ProblemException? Refusal(VmVerb verb, string name, VmState state, PauseCause? pause) => (verb, state) switch
    {
        (VmVerb.ForcedStop or VmVerb.ForcedDelete, _) => null,
        (_, VmState.Unresponsive) => Refuse("vm.unresponsive", name, "does not answer", $"Wait until it answers again, or cut its power: lamina vm stop {name} --force."),
        (VmVerb.Start, VmState.Paused) => Refuse("vm.paused", name, "is paused, not stopped", $"Let it go on: lamina vm resume {name}."),
        (VmVerb.Start, VmState.Stopping) => Refuse("vm.stopping", name, "is shutting down", $"Wait until it has stopped, or cut its power: lamina vm stop {name} --force."),
        (VmVerb.Shutdown, VmState.Starting) => Refuse("vm.starting", name, "is still being started", "Cancel that operation, or wait until it runs."),
        (VmVerb.Shutdown, VmState.Paused) when pause is PauseCause.Request => OfFailure(VmFailures.CannotHear(name)),
        (VmVerb.Stop, VmState.Stopped) => null,
        (VmVerb.Start or VmVerb.Resume, VmState.Suspended) => null,
        (_, VmState.Suspended) => OfFailure(VmFailures.Suspended(name)),
        (VmVerb.Stop, _) => Refuse("vm.running", name, "runs, and cutting its power loses what its guest has not written", $"Shut it down (lamina vm shutdown {name}), or say that you mean it: lamina vm stop {name} --force."),
        (VmVerb.Pause or VmVerb.Reset or VmVerb.Exec, VmState.Stopped or VmState.Starting or VmState.Stopping) => OfFailure(VmFailures.NotRunning(name, Participle(verb))),
        (VmVerb.Resume, VmState.Stopped or VmState.Starting or VmState.Stopping) => Refuse("vm.notPaused", name, "is not paused", $"Start it: lamina vm start {name}."),
        (VmVerb.Exec, VmState.Paused) => Refuse("vm.paused", name, "is paused: nothing runs in it", $"Let it go on first: lamina vm resume {name}."),
        (VmVerb.Delete, not VmState.Stopped) => Refuse("vm.running", name, "is not stopped", $"Stop it first: lamina vm stop {name} --force; or cut its power and delete it: lamina vm delete {name} --force."),
        _ => null,
    };

    private static ProblemException Refuse(string code, string name, string why, string remedy) =>
        ProblemException.Conflict(code, $"VM '{name}' {why}.", remedy);

    private static ProblemException OfFailure(Failure failure) => ProblemException.Conflict(failure.Code, failure.Message, failure.Remedy);

    private static string Participle(VmVerb verb) => verb switch
    {
        VmVerb.Pause => "paused",
        VmVerb.Reset => "reset",
        _ => "asked to run a program",
    };
}
