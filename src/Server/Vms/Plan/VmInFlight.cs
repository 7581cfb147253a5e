using Lamina.Api;

namespace Lamina.Server.Vms.Plan;

/// <summary>What is said of a step that is being carried out (pure).</summary>
internal static class VmInFlight
{
    /// <summary>Whose operation it serves; null: nobody asked for it.</summary>
    public static string? OperationOf(VmStep step, VmWanted wanted) => step switch
    {
        VmStep.Reset reset => reset.Operation,
        VmStep.RefuseReset refused => refused.Operation,
        VmStep.EndChange end => end.Operation,
        VmStep.Change => wanted.Changes is [var change, ..] ? change.Operation : null,
        _ => wanted.Order?.Operation ?? wanted.Spec.Deleting,
    };

    /// <summary>A start or a job that nobody wants any more: it is cancelled.</summary>
    /// <param name="jobYields">Of a VM that is lent: the job gives way to any order.</param>
    public static bool IsPointless(VmStep step, VmWanted wanted, bool jobYields) => step switch
    {
        VmStep.Lend => wanted.Spec.Deleting is not null || wanted.Order is { Wanted: PowerWanted.Stopped, Force: true } || (jobYields && wanted.Order is not null),
        VmStep.Start or VmStep.MakeDisks => wanted.Spec.Deleting is not null || wanted.Order is { CancelRequested: true }
            || (step is VmStep.Start && wanted.Order is { Wanted: PowerWanted.Stopped }),
        // Until its guest obeys, a change stands in nobody's way.
        VmStep.Change => wanted.Spec.Deleting is not null || wanted.Order is not null || wanted.Reset is not null || wanted.Changes.Any(change => change.CancelRequested),
        _ => false,
    };
}
