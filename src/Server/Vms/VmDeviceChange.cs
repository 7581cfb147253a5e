using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Rules;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms;

/// <summary>
/// What all changes of a VM's devices have in common: the VM is found and may be changed, its new spec and the operation are one commit, and the
/// operation ends when the host has done it or knows that it waits for a restart.
/// </summary>
internal sealed class VmDeviceChange
{
    private VmDeviceChange(ApiRequest request, CachedRecord<VmSpec> vm)
    {
        Request = request;
        Vm = vm;
        string? host = request.Snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host;
        Lookups = new VmLookups(request.Snapshot, vm.Record.Project) { HostId = host ?? request.HostId, HasHost = host is not null };
    }

    public ApiRequest Request { get; }

    public CachedRecord<VmSpec> Vm { get; }

    public VmLookups Lookups { get; }

    public VmSpec Spec => Vm.Record;

    public InputProblems Problems { get; } = new();

    public StoreChange Change { get; } = new(VmOperations.Change);

    /// <exception cref="ProblemException">There is no such VM, or it cannot be changed now.</exception>
    public static VmDeviceChange Begin(ApiRequest request)
    {
        var vm = request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));
        request.RequireMatch(vm);
        VmMoves.Require(VmVerb.Change, vm.Record, request.Snapshot.Get(Keys.Vms.Status, vm.Id)?.Record);
        return new VmDeviceChange(request, vm);
    }

    public static OperationDraft Draft(ApiRequest request, CachedRecord<VmSpec> vm, IReadOnlyList<string> paths, bool force = false) => new()
    {
        Kind = VmOperations.Change,
        Target = VmViews.ReferenceTo(vm),
        Project = vm.Record.Project,
        RequestedBy = request.Caller.Subject,
        Host = request.Snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host,
        Parameters = new JsonObject
        {
            [VmWantedReader.PathsParameter] = new JsonArray([.. paths.Select(path => (JsonNode)JsonValue.Create(path))]),
            [VmWantedReader.ForceParameter] = force,
        },
    };

    /// <summary>Adds the operation.</summary>
    public Operation Ask(OperationRequests operations, IReadOnlyList<string> paths, bool force = false) =>
        operations.Add(Change, Draft(Request, Vm, paths, force));

    public ValueTask<ApiAnswer> CommitAsync(VmSpec spec, Operation operation)
    {
        if (ReferenceEquals(spec, Spec)) Change.Require(Keys.Vms.Spec[Vm.Id], Vm.ModRevision);
        else Change.Update(Keys.Vms.Spec, Vm.Id, spec, Vm.ModRevision);
        return Request.CommitAsync(Change, ApiAnswer.Accepted(operation), VmViews.ReferenceTo(Vm));
    }

    /// <summary>The lowest slot that nobody has, neither in the spec nor, still, in the machine.</summary>
    public int? FreeSlot(string list, IEnumerable<int> taken, int count)
    {
        var pending = Request.Snapshot.Get(Keys.Vms.Status, Vm.Id)?.Record.Pending ?? [];
        var used = taken.ToHashSet();
        for (int slot = 0; slot < count; slot++)
            if (!used.Contains(slot) && pending.All(change => change.Path != VmDifferences.PathOf(list, slot))) return slot;
        return null;
    }

    /// <summary>The disk that a path names by slot, name or id.</summary>
    /// <exception cref="ProblemException">404: it has none such.</exception>
    public (VmDisk Attachment, CachedRecord<DiskSpec> Disk) DiskNamed(string name)
    {
        foreach (var attachment in Spec.Disks)
        {
            if (Request.Snapshot.Get(Keys.Disks.Spec, attachment.Disk) is not { } disk) continue;
            if (IsSlot(name, attachment.Slot) || disk.Id == name || disk.Record.Name == name) return (attachment, disk);
        }

        throw NotFound("disk", name);
    }

    /// <exception cref="ProblemException">404: there is none.</exception>
    public T InSlot<T>(IEnumerable<T> devices, Func<T, int> slot, string noun, string name) where T : class =>
        devices.FirstOrDefault(device => IsSlot(name, slot(device))) ?? throw NotFound(noun, name);

    private ProblemException NotFound(string noun, string name) => new(
        ProblemKind.NotFound, $"{noun}.notFound", $"VM '{Spec.Name}' has no {noun} '{Suggestions.Shorten(name)}'.", $"See what it has: lamina vm show {Spec.Name}.");

    private static bool IsSlot(string name, int slot) => int.TryParse(name, System.Globalization.NumberStyles.None, null, out int number) && number == slot;
}
