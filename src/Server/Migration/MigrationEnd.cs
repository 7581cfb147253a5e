using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Migration;

/// <summary>What is written when a hand-over is over: its keys go, its operation ends, people are told.</summary>
internal static class MigrationEnd
{
    public static StoreChange Of(MigrationGround ground, string vmId, string name, VmHandover decided, long revision)
    {
        var snapshot = ground.Now;
        var change = new StoreChange("handover.end")
            .OfGeneration(ground.Host.Generation)
            .Delete(Keys.Vms.Handover[vmId], revision)
            .Delete(Keys.Vms.HandoverSource[vmId])
            .Delete(Keys.Vms.HandoverTarget[vmId]);
        if (snapshot.Get(Keys.Vms.HandoverTarget, vmId)?.Record.Secret is { } secret) change.Delete(Keys.Secrets[secret]);
        bool moved = decided.Phase == HandoverPhase.Committed;
        string from = snapshot.HostName(decided.From);
        string to = snapshot.HostName(decided.To);
        ground.Host.Events.Add(change, new EventDraft
        {
            Kind = moved ? "vm.migrated" : "vm.migrationFailed",
            Severity = moved || decided.Failure?.Code == "operation.cancelled" ? EventSeverity.Information : EventSeverity.Warning,
            Message = moved
                ? $"VM '{name}' went from host '{from}' to host '{to}'{(decided.Kind == HandoverKind.Live ? " while its guest ran" : "")}."
                : $"VM '{name}' stays on host '{from}' and did not go to host '{to}': {decided.Failure?.Message ?? "it was given back."}",
            Target = new ObjectReference { Kind = "vm", Id = vmId, Name = name },
            Project = snapshot.Get(Keys.Vms.Spec, vmId)?.Record.Project ?? ProjectRecord.DefaultProject,
            Operation = decided.Operation,
            Epoch = decided.Epoch,
        });
        return change;
    }

    public static OperationOutcome OutcomeOf(VmHandover decided, JsonObject result) => decided switch
    {
        { Phase: HandoverPhase.Committed } => OperationOutcome.SucceededWith(result),
        { Failure: { Code: "operation.cancelled" } cancelled } => new OperationOutcome(OperationPhase.Cancelled, cancelled),
        _ => OperationOutcome.Failed(decided.Failure ?? Plan.MigrationFailures.ContinueRefused),
    };
}
