using Lamina.Api;
using Lamina.Linux.Cgroups;
using Lamina.Server.Control;
using Lamina.Server.Doctor;

namespace Lamina.Tests.Unit.Doctor;

public sealed class DoctorChecksTests
{
    private const long GiB = 1L << 30;
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly DoctorFacts Healthy = new()
    {
        Now = Now,
        Host = Host(),
        HasUefi = true,
        Programs = DoctorChecks.Programs.ToDictionary(program => program.Program, program => (string?)$"/usr/bin/{program.Program}"),
        Cgroups = new CgroupSupport("cgroup v2", []),
        Pools = [Pool(free: 50 * GiB)],
        Networks = [new NetworkFacts("default", new NetworkStatus { Up = true, Bridge = "lmabc" })],
        ClockIsSynchronized = true,
        HasLocalGroup = true,
        CertificateEnds = Now.AddDays(300),
        CaEnds = Now.AddDays(7000),
        OwnCertificateEnds = Now.AddDays(60),
    };

    [Fact]
    public void AHealthyInstallationHasNothingButOk() => Assert.All(DoctorChecks.Report(Healthy).Checks, check =>
    {
        Assert.Equal(CheckVerdict.Ok, check.Verdict);
        Assert.Null(check.Remedy);
    });

    public static TheoryData<string, CheckVerdict, string> Faults => new()
    {
        { "qemu", CheckVerdict.Error, "qemuMissing" },
        { "qemu", CheckVerdict.Warning, "notProbed" },
        { "accelerator", CheckVerdict.Warning, "tcg" },
        { "uefi", CheckVerdict.Warning, "noUefi" },
        { "dnsmasq", CheckVerdict.Error, "noDnsmasq" },
        { "nft", CheckVerdict.Error, "noNft" },
        { "qemu-img", CheckVerdict.Error, "noQemuImg" },
        { "mmdebstrap", CheckVerdict.Warning, "noMmdebstrap" },
        { "cgroups", CheckVerdict.Error, "noMemoryCgroup" },
        { "pool default", CheckVerdict.Error, "poolAway" },
        { "pool default", CheckVerdict.Error, "poolHangs" },
        { "pool default", CheckVerdict.Error, "poolFull" },
        { "pool default", CheckVerdict.Warning, "poolNearlyFull" },
        { "network default", CheckVerdict.Error, "networkDown" },
        { "store", CheckVerdict.Error, "storeAway" },
        { "recovery", CheckVerdict.Warning, "recovering" },
        { "orphans", CheckVerdict.Warning, "orphan" },
        { "clock", CheckVerdict.Warning, "clockFree" },
        { "certificate", CheckVerdict.Error, "certificateOld" },
        { "certificate", CheckVerdict.Warning, "caOld" },
        { "group", CheckVerdict.Warning, "noGroup" },
        { "own certificate", CheckVerdict.Error, "ownCertificateOver" },
        { "own certificate", CheckVerdict.Warning, "ownCertificateOld" },
        { "first password", CheckVerdict.Warning, "firstPassword" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void AFaultIsNamedWithItsRemedy(string name, CheckVerdict verdict, string fault)
    {
        var check = Assert.Single(DoctorChecks.Report(Break(fault)).Checks, check => check.Name == name);
        Assert.Equal(verdict, check.Verdict);
        Assert.False(string.IsNullOrWhiteSpace(check.Message));
        Assert.False(string.IsNullOrWhiteSpace(check.Remedy));
    }

    [Fact]
    public void EveryOrphanIsListed()
    {
        var check = Assert.Single(DoctorChecks.Report(Break("orphan")).Checks, check => check.Name == "orphans");
        Assert.Contains("disk 1 in pool default", check.Message, StringComparison.Ordinal);
        Assert.Contains("cgroup of vm 2", check.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhyGuestsAreSlowIsSaid() =>
        Assert.Contains(DoctorChecks.Report(Break("tcg")).Checks, check => check.Message.Contains("no AMD-V here", StringComparison.Ordinal));

    private static DoctorFacts Break(string fault) => fault switch
    {
        "qemuMissing" => Healthy with { Host = Host() with { QemuVersion = null, Failure = new Failure { Code = "host.noEngine", Message = "qemu-system-x86_64 is not installed.", Remedy = "Install it." } } },
        "notProbed" => Healthy with { Host = Host() with { QemuVersion = null } },
        "tcg" => Healthy with { Host = Host() with { Accelerator = new Accelerator { Kind = AcceleratorKind.Tcg, Reason = "no AMD-V here" } } },
        "noUefi" => Healthy with { HasUefi = false },
        "noDnsmasq" => Without("dnsmasq"),
        "noNft" => Without("nft"),
        "noQemuImg" => Without("qemu-img"),
        "noMmdebstrap" => Without("mmdebstrap"),
        "noMemoryCgroup" => Healthy with { Cgroups = new CgroupSupport("cgroup v1", ["memory"]) },
        "poolAway" => Healthy with { Pools = [new PoolFacts("default", Pool(0).Spec, new PoolStatus { Available = false })] },
        "poolHangs" => Healthy with { Pools = [Pool(50 * GiB) with { Hangs = new() { Code = "pool.hangs", Message = "It does not answer." } }] },
        "poolFull" => Healthy with { Pools = [Pool(free: GiB / 2)] },
        "poolNearlyFull" => Healthy with { Pools = [Pool(free: 3 * GiB)] },
        "networkDown" => Healthy with { Networks = [new NetworkFacts("default", new NetworkStatus { Up = false })] },
        "storeAway" => Healthy with { StoreIsStale = true },
        "recovering" => Healthy with { Recovery = new ClusterRecovery { IsRecovered = true, At = Now, WaitingVms = 2 } },
        "orphan" => Healthy with
        {
            Sweeps = new Dictionary<string, SweepReport>
            {
                ["pools"] = new() { Orphans = ["disk 1 in pool default"] },
                ["vms"] = new() { Orphans = ["cgroup of vm 2"], Removed = ["a tap"] },
            },
        },
        "clockFree" => Healthy with { ClockIsSynchronized = false },
        "certificateOld" => Healthy with { CertificateEnds = Now.AddDays(3) },
        "caOld" => Healthy with { CaEnds = Now.AddDays(100) },
        "ownCertificateOver" => Healthy with { OwnCertificateEnds = Now },
        "ownCertificateOld" => Healthy with { OwnCertificateEnds = Now.AddDays(10) },
        "firstPassword" => Healthy with { FirstPasswordFile = "/var/lib/lamina/admin-password" },
        "noGroup" => Healthy with { HasLocalGroup = false },
        _ => throw new ArgumentException(fault),
    };

    private static DoctorFacts Without(string program) => Healthy with
    {
        Programs = Healthy.Programs.ToDictionary(pair => pair.Key, pair => pair.Key == program ? null : pair.Value),
    };

    private static HostStatus Host() => new()
    {
        Incarnation = "boot:nonce",
        BootId = "boot",
        DaemonVersion = "0.1.0",
        QemuVersion = "7.2.22",
        Accelerator = new Accelerator { Kind = AcceleratorKind.Kvm, Reason = "VT-x with EPT" },
        DefaultMachineType = "pc-q35-7.2",
        DefaultCpuModel = "Westmere-v1",
    };

    private static PoolFacts Pool(long free) => new(
        "default",
        new PoolSpec { Name = "default", Path = "/var/lib/lamina/pools/default", ReserveBytes = GiB },
        new PoolStatus { Available = true, TotalBytes = 100 * GiB, FreeBytes = free, ProvisionedBytes = 10 * GiB });
}
