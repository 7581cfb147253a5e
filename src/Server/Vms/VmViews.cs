using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Vms;

/// <summary>Joins a VM's records, as the API shows them.</summary>
internal static class VmViews
{
    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Vm>(
        "vms",
        [Keys.Vms.Spec, Keys.Vms.Assignment, Keys.Vms.Status],
        (snapshot, id) => snapshot.Get(Keys.Vms.Spec, id) is { } spec ? Of(snapshot, spec) : null,
        vm => vm.Project,
        ApiJson.Default.Vm);

    public static Vm Of(CacheSnapshot snapshot, CachedRecord<VmSpec> spec) => new()
    {
        Id = spec.Id,
        Name = spec.Record.Name,
        Project = spec.Record.Project,
        Spec = spec.Record,
        Assignment = snapshot.Get(Keys.Vms.Assignment, spec.Id)?.Record,
        Status = snapshot.Get(Keys.Vms.Status, spec.Id)?.Record,
    };

    public static ObjectReference ReferenceTo(CachedRecord<VmSpec> vm) => new() { Kind = "vm", Id = vm.Id, Name = vm.Record.Name };

    /// <summary>As filters spell it: <c>unresponsive</c>.</summary>
    public static string StateOf(Vm vm) => (vm.Status?.State ?? VmState.Stopped).ToString().ToLowerInvariant();
}
