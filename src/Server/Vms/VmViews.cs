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

    /// <summary>
    /// Id of the host that has the VM's process, for endpoints that ask it; null: it has none, which whoever is asked can say. By id also from another
    /// project: the host itself refuses whoever may not.
    /// </summary>
    public static string? HostOf(ApiRequest request)
    {
        string named = request.Route("vm");
        string? id = request.Snapshot.Get(Keys.Vms.Spec, named)?.Id ?? request.Snapshot.TryFind(Keys.Vms.Spec, "vm", request.Project, named)?.Id;
        if (id is null) return null;
        return request.Snapshot.Get(Keys.Vms.Status, id)?.Record is { } status
            ? status.State is VmState.Stopped or VmState.Suspended ? null : status.Host
            : request.Snapshot.Get(Keys.Vms.Assignment, id)?.Record.Host;
    }

    /// <summary>Id of the host to which the VM belongs, with or without a process; null: none yet.</summary>
    public static string? HomeOf(ApiRequest request) =>
        request.Snapshot.TryFind(Keys.Vms.Spec, "vm", request.Project, request.Route("vm")) is { } vm ? request.Snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host : null;

    /// <summary>As filters spell it: <c>unresponsive</c>.</summary>
    public static string StateOf(Vm vm) => (vm.Status?.State ?? VmState.Stopped).ToString().ToLowerInvariant();
}
