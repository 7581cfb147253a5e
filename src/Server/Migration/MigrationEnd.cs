using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Operations;

namespace Lamina.Server.Migration;

/// <summary>What is written when a hand-over is over: its keys go, its operation ends, people are told.</summary>
/// <param name="decided">The hand-over as it is known to be in the store.</param>
/// <param name="word">The target's last word; null: it said nothing.</param>
/// <param name="hasProcess">The source still has the guest's process.</param>
internal sealed class MigrationEnd(VmHandover decided, HandoverTarget? word, bool hasProcess)
{
    private bool HasMoved => decided.Phase == HandoverPhase.Committed;

    /// <summary>Its guest was lost on the way, whichever host has the VM now.</summary>
    private Failure? Loss => decided.Phase switch
    {
        HandoverPhase.Committed when word is { State: HandoverTargetState.Failed, Failure: { } why } && word.Nonce == decided.Nonce => why,
        // There is no way back from post-copy: what was given back is the VM without its memory.
        HandoverPhase.HandedBack when !hasProcess => Plan.MigrationFailures.MemoryLostBeforeItRan,
        _ => null,
    };

    private EventSeverity Severity => HasMoved && Loss is null || decided.Failure?.Code == "operation.cancelled" ? EventSeverity.Information
        : Loss is null ? EventSeverity.Warning : EventSeverity.Error;

    public StoreChange Change(MigrationGround ground, string vmId, string name, long revision)
    {
        var snapshot = ground.Now;
        var change = new StoreChange("handover.end")
            .OfGeneration(ground.Host.Generation)
            .Delete(Keys.Vms.Handover[vmId], revision)
            .Delete(Keys.Vms.HandoverSource[vmId])
            .Delete(Keys.Vms.HandoverTarget[vmId]);
        if (word?.Secret is { } secret) change.Delete(Keys.Secrets[secret]);
        ground.Host.Events.Add(change, new EventDraft
        {
            Kind = HasMoved && Loss is null ? "vm.migrated" : "vm.migrationFailed",
            Severity = Severity,
            Message = Words(name, snapshot.HostName(decided.From), snapshot.HostName(decided.To)),
            Target = new ObjectReference { Kind = "vm", Id = vmId, Name = name },
            Project = snapshot.Get(Keys.Vms.Spec, vmId)?.Record.Project ?? ProjectRecord.DefaultProject,
            Operation = decided.Operation,
            Epoch = decided.Epoch,
        });
        return change;
    }

    public OperationOutcome Outcome(JsonObject result) => decided switch
    {
        _ when Loss is { } loss => OperationOutcome.Failed(loss),
        { Phase: HandoverPhase.Committed } => OperationOutcome.SucceededWith(result),
        { Failure: { Code: "operation.cancelled" } cancelled } => new OperationOutcome(OperationPhase.Cancelled, cancelled),
        _ => OperationOutcome.Failed(decided.Failure ?? Plan.MigrationFailures.ContinueRefused),
    };

    private string Meanwhile => decided switch
    {
        { Kind: HandoverKind.Cold } => "",
        { Paused: true } => " while its guest was paused",
        _ => " while its guest ran",
    };

    private string Words(string name, string from, string to)
    {
        if (HasMoved && Loss is { } loss) return $"VM '{name}' is host '{to}''s and no more host '{from}''s, but its guest did not get there whole: {loss.Message}";
        return HasMoved
            ? $"VM '{name}' went from host '{from}' to host '{to}'{Meanwhile}."
            : $"VM '{name}' stays on host '{from}' and did not go to host '{to}': {(Loss ?? decided.Failure)?.Message ?? "it was given back."}";
    }
}
