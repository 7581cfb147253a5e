using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;

namespace Lamina.Server.Migration;

/// <summary>What is told of a migration that is under way, in the transaction of the word that it belongs to: each decision with its why.</summary>
internal static class MigrationNews
{
    public static void PostCopy(MigrationGround ground, StoreChange change, string vmId, VmHandover record, string why) => Add(
        ground, change, vmId, record, "vm.postCopy", EventSeverity.Information,
        (name, to) => $"VM '{name}' goes on at host '{to}' before all of its memory is there (post-copy). {why}".TrimEnd());

    public static void Broken(MigrationGround ground, StoreChange change, string vmId, VmHandover record) => Add(
        ground, change, vmId, record, "vm.postCopyBroken", EventSeverity.Warning,
        (name, to) => $"The link to the rest of the memory of VM '{name}' is broken; its guest at host '{to}' stands still where it needs it. It is mended if the link comes back within {ground.RecoverPatience.TotalSeconds:0} s; else its memory is lost.");

    private static void Add(MigrationGround ground, StoreChange change, string vmId, VmHandover record, string kind, EventSeverity severity, Func<string, string, string> words)
    {
        var snapshot = ground.Now;
        var spec = snapshot.Get(Keys.Vms.Spec, vmId)?.Record;
        ground.Host.Events.Add(change, new EventDraft
        {
            Kind = kind,
            Severity = severity,
            Message = words(spec?.Name ?? vmId, snapshot.HostName(record.To)),
            Target = new ObjectReference { Kind = "vm", Id = vmId, Name = spec?.Name },
            Project = spec?.Project ?? ProjectRecord.DefaultProject,
            Operation = record.Operation,
            Epoch = record.Epoch,
        });
    }
}
