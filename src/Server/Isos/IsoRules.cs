using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Images;

namespace Lamina.Server.Isos;

/// <summary>What may be asked of ISOs (pure).</summary>
internal static class IsoRules
{
    public static void Check(IsoCreate request, InputProblems problems)
    {
        Names.CheckLabel(request.Name, "$.name", problems);
        ImageRules.CheckSha256(request.Sha256, problems);
    }

    /// <summary>A medium is taken over by a rename, so it stays in its upload's pool.</summary>
    public static void CheckPool(string poolId, string uploadPoolId, InputProblems problems)
    {
        if (poolId != uploadPoolId) problems.Add("$.pool", "iso.otherPool", "The upload lies in another pool: upload the file into this one, or leave the pool out.");
    }

    /// <summary>Names of the VMs that have the medium in a drive or boot from it.</summary>
    public static IReadOnlyList<string> UsersOf(string isoId, IEnumerable<VmSpec> vms) =>
        [.. vms.Where(vm => Uses(vm, isoId)).Select(vm => vm.Name).Order(StringComparer.Ordinal)];

    /// <summary>Null: it may go; else who needs it.</summary>
    public static ProblemException? RefuseDelete(string name, IReadOnlyList<string> users) => users.Count == 0
        ? null
        : ProblemException.Conflict("iso.inUse", $"Medium {name} is used by VM {ImageRules.Listed(users)}.", "Take it out of these VMs first.");

    /// <summary>Null: a VM may use it as <paramref name="kind"/>; else why not.</summary>
    public static InputProblem? CheckUse(Iso iso, IsoKind kind, string path) => iso switch
    {
        { Spec.Deleting: not null } => Problem(path, "iso.deleting", $"Medium {iso.Name} is being deleted: name another one."),
        { Status.State: ContentState.Ready } when iso.Spec.Kind == kind => null,
        { Status.State: ContentState.Ready } => Problem(path, "iso.kind", $"Medium {iso.Name} was uploaded as {Word(iso.Spec.Kind)}, and {Word(kind)} is needed here: upload it as that, or name another one."),
        _ => Problem(path, "iso.notReady", $"Medium {iso.Name} is still being taken over: wait for its operation (lamina operation list)."),
    };

    private static bool Uses(VmSpec vm, string isoId) =>
        vm.Cdroms.Any(drive => drive.Iso == isoId) || vm.Floppy == isoId || vm.Kernel?.Kernel == isoId || vm.Kernel?.Initrd == isoId;

    private static string Word(IsoKind kind) => kind switch
    {
        IsoKind.Iso => "an ISO",
        IsoKind.Floppy => "a floppy",
        IsoKind.Kernel => "a kernel",
        _ => "an initial RAM disk",
    };

    private static InputProblem Problem(string path, string code, string message) => new() { Path = path, Code = code, Message = message };
}
