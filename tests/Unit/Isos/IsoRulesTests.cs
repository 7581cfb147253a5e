using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Isos;

namespace Lamina.Tests.Unit.Isos;

public class IsoRulesTests
{
    private static readonly VmSpec Plain = new()
    {
        Name = "plain",
        Cpus = 1,
        MemoryMiB = 64,
        Machine = new VmMachine { Type = "pc-q35-7.2", CpuModel = "Westmere-v1", MaxCpus = 1 },
    };

    [Fact]
    public void Every_problem_of_a_request_is_told_at_once()
    {
        var problems = new InputProblems();
        IsoRules.Check(new IsoCreate { Name = "a/b", Upload = "u", Sha256 = "1" }, problems);
        IsoRules.CheckPool("p", "q", problems);
        Assert.Equal(["$.name", "$.sha256", "$.pool"], problems.Found.Select(problem => problem.Path));
    }

    [Fact]
    public void A_medium_in_any_drive_of_any_VM_stays_and_the_VMs_are_named()
    {
        var vms = new[]
        {
            Plain with { Name = "cd", Cdroms = [new VmCdrom { Slot = 0 }, new VmCdrom { Slot = 1, Iso = "i" }] },
            Plain with { Name = "floppy", Floppy = "i" },
            Plain with { Name = "kernel", Kernel = new VmKernel { Kernel = "i" } },
            Plain with { Name = "initrd", Kernel = new VmKernel { Kernel = "k", Initrd = "i" } },
            Plain,
        };

        Assert.Equal(["cd", "floppy", "initrd", "kernel"], IsoRules.UsersOf("i", vms));
        Assert.Equal("iso.inUse", IsoRules.RefuseDelete("x", IsoRules.UsersOf("i", vms))!.Code);
        Assert.Null(IsoRules.RefuseDelete("x", IsoRules.UsersOf("other", vms)));
    }

    [Fact]
    public void A_medium_is_used_only_as_what_it_is_and_only_when_it_is_there()
    {
        var ready = new Iso
        {
            Id = "i",
            Name = "x",
            Project = "default",
            Spec = new IsoSpec { Name = "x", Pool = "p", Kind = IsoKind.Iso },
            Status = new IsoStatus { State = ContentState.Ready },
        };

        Assert.Null(IsoRules.CheckUse(ready, IsoKind.Iso, "$.isos[0]"));
        Assert.Equal("iso.kind", IsoRules.CheckUse(ready, IsoKind.Floppy, "$.floppy")!.Code);
        Assert.Equal("iso.notReady", IsoRules.CheckUse(ready with { Status = null }, IsoKind.Iso, "$.isos[0]")!.Code);
        Assert.Equal("iso.deleting", IsoRules.CheckUse(ready with { Spec = ready.Spec with { Deleting = "o" } }, IsoKind.Iso, "$.isos[0]")!.Code);
    }
}
