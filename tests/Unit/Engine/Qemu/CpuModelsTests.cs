using Lamina.Engine;
using Lamina.Engine.Qemu;

namespace Lamina.Tests.Unit.Engine.Qemu;

public class CpuModelsTests
{
    [Theory]
    [InlineData("qemu64-v1", "")]
    [InlineData("qemu64-v1", "Westmere-v1!")]
    [InlineData("Westmere-v1", "Westmere-v1 Westmere-v2! EPYC-Rome-v2 Nehalem-v1")]
    public void Under_TCG_it_is_Westmere_where_TCG_has_it_whole(string expected, string models) =>
        Assert.Equal(expected, CpuModels.Default(Parse(models), Accelerator.Tcg, "AuthenticAMD"));

    [Theory]
    [InlineData("AuthenticAMD", "EPYC-Rome-v2", "EPYC-v3 EPYC-Rome-v1 EPYC-Rome-v2 EPYC-Rome-v10! EPYC-Milan-v1! Icelake-Server-v6 EPYC-Rome")]
    [InlineData("AuthenticAMD", "EPYC-Rome-v10", "EPYC-Rome-v9 EPYC-Rome-v10")]
    [InlineData("GenuineIntel", "Skylake-Server-v5", "Skylake-Server-v4 Skylake-Server-v5 Haswell-v4 Icelake-Server-v1! EPYC-Milan-v1")]
    [InlineData("GenuineIntel", "Nehalem-v2", "Nehalem-v1 Nehalem-v2 Nehalem-IBRS host max")]
    [InlineData("AuthenticAMD", "qemu64-v1", "Skylake-Server-v4")]
    [InlineData("CentaurHauls", "Westmere-v1", "Westmere-v1")]
    public void Under_KVM_it_is_the_newest_whole_model_of_the_processors_make(string vendor, string expected, string models) =>
        Assert.Equal(expected, CpuModels.Default(Parse(models), Accelerator.Kvm, vendor));

    // A mark of ! = something is missing here.
    private static CpuModelInfo[] Parse(string models) => [.. models.Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(model => new CpuModelInfo { Name = model.TrimEnd('!'), UnavailableFeatures = model.EndsWith('!') ? ["spec-ctrl"] : [] })];
}
