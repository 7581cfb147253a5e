using System.Globalization;
using Lamina.Api;
using Lamina.Server.Auth;

namespace Lamina.Server.Doctor;

/// <summary>What is right and what is wrong with this installation, and what to do. Pure.</summary>
internal static class DoctorChecks
{
    private static readonly TimeSpan CertificateWarning = TimeSpan.FromDays(14);
    private static readonly TimeSpan CaWarning = TimeSpan.FromDays(365);

    /// <summary>Programs beside QEMU: what needs them, the package of Debian, and whether nothing works without.</summary>
    public static IReadOnlyList<(string Program, string For, string Package, bool Needed)> Programs { get; } =
    [
        ("qemu-img", "disks and images", "qemu-utils", true),
        ("dnsmasq", "DHCP and DNS of networks", "dnsmasq-base", true),
        ("nft", "NAT and anti-spoofing of networks", "nftables", true),
        ("swtpm", "VMs with a TPM", "swtpm", false),
        ("mmdebstrap", "'lamina image build debian/12'", "mmdebstrap", false),
    ];

    public static DoctorReport Report(DoctorFacts facts) => new()
    {
        Checks =
        [
            Qemu(facts), Accelerator(facts), Uefi(facts),
            .. Programs.Select(program => Installed(facts, program.Program, program.For, program.Package, program.Needed)),
            Cgroups(facts), .. facts.Pools.Select(Pool), .. facts.Networks.Select(DoctorNetworkChecks.Network), .. DoctorNetworkChecks.Host(facts.HostNetworks),
            Store(facts), .. Recovery(facts.Recovery), Orphans(facts), Clock(facts), Certificate(facts), .. OwnCertificate(facts), Group(facts), .. FirstPassword(facts),
        ],
    };

    private static DoctorCheck Qemu(DoctorFacts facts) => facts.Host switch
    {
        null or { QemuVersion: null, Failure: null } => Warning("qemu", "QEMU has not been asked yet.", "Ask again in a few seconds."),
        { Failure: { } failure } => Error("qemu", failure.Message, failure.Remedy ?? "Install qemu-system-x86."),
        var host => Ok("qemu", $"QEMU {host.QemuVersion}; new VMs get {host.DefaultMachineType} with {host.DefaultCpuModel}"),
    };

    private static DoctorCheck Accelerator(DoctorFacts facts) => facts.Host?.Accelerator switch
    {
        null => Warning("accelerator", "It is not known yet how guests run here.", "See the check 'qemu'."),
        { Kind: AcceleratorKind.Kvm } kvm => Ok("accelerator", kvm.Reason),
        var tcg => Warning(
            "accelerator", tcg.Reason,
            "Switch VT-x or AMD-V on in the firmware, or for a virtual server ask its host for nested virtualization; then load kvm_intel or kvm_amd."),
    };

    private static DoctorCheck Uefi(DoctorFacts facts) => facts.HasUefi switch
    {
        true when facts.HasSecureBoot == false => Warning("uefi", "OVMF is installed without its build for Secure Boot, so VMs with Secure Boot do not start.", "apt-get install --reinstall ovmf"),
        true => Ok("uefi", "OVMF is installed; VMs may have UEFI firmware and Secure Boot"),
        false => Warning("uefi", "OVMF is not installed, so only VMs with BIOS firmware run.", "apt-get install ovmf"),
        null => Warning("uefi", "It is not known yet whether OVMF is installed.", "See the check 'qemu'."),
    };

    private static DoctorCheck Installed(DoctorFacts facts, string program, string purpose, string package, bool needed)
    {
        if (facts.Programs.GetValueOrDefault(program) is { } path) return Ok(program, path);
        string message = $"{program} is not installed; it is needed for {purpose}.";
        string remedy = $"apt-get install {package}";
        return needed ? Error(program, message, remedy) : Warning(program, message, remedy);
    }

    private static DoctorCheck Cgroups(DoctorFacts facts) => facts.Cgroups.Missing.Count == 0
        ? Ok("cgroups", facts.Cgroups.Kind)
        : Error(
            "cgroups", $"{facts.Cgroups.Kind} without {string.Join(", ", facts.Cgroups.Missing)}: VMs cannot be limited or told dead.",
            "Boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1), or mount these controllers under /sys/fs/cgroup.");

    private static DoctorCheck Pool(PoolFacts pool)
    {
        string name = $"pool {pool.Name}";
        if (pool.Hangs is { } hangs) return Error(name, hangs.Message, hangs.Remedy ?? "See whether its server can be reached.");
        if (pool.Status is not { } status) return Warning(name, "It has not been looked at yet.", "Ask again in a few seconds.");
        if (!status.Available) return Error(
            name, status.Failure?.Message ?? $"{pool.Spec.Path} cannot be used.", status.Failure?.Remedy ?? "Mount it, or mend its permissions.");
        string room = $"{Sizes.Format(status.FreeBytes)} of {Sizes.Format(status.TotalBytes)} free in {pool.Spec.Path}, {Sizes.Format(status.ProvisionedBytes)} provisioned";
        if (status.FreeBytes <= pool.Spec.ReserveBytes) return Error(
            name, $"Full: {room}; {Sizes.Format(pool.Spec.ReserveBytes)} are kept for the host. New disks and uploads are refused.", "Delete images, ISOs or VMs, or enlarge the file system.");
        return status.FreeBytes - pool.Spec.ReserveBytes < status.TotalBytes / 20
            ? Warning(name, $"Nearly full: {room}.", "Delete images, ISOs or VMs, or enlarge the file system.")
            : Ok(name, room);
    }

    private static DoctorCheck Store(DoctorFacts facts) => facts.StoreIsStale
        ? Error("store", "The store cannot be read: nothing starts, guests run on.", "See the daemon's log; often its file system is full or read-only.")
        : Ok("store", "checked at the daemon's start, and answering");

    private static IEnumerable<DoctorCheck> Recovery(ClusterRecovery recovery)
    {
        if (!recovery.IsRecovered) yield break;
        string words = string.Create(CultureInfo.InvariantCulture, $"the store was recovered on {recovery.At:yyyy-MM-dd}");
        yield return recovery.WaitingVms == 0 && recovery.Orphans.Count == 0 ? Ok("recovery", $"{words}, and it is known where each guest runs")
            : Warning(
                "recovery", string.Create(CultureInfo.InvariantCulture, $"Since {words}, {recovery.WaitingVms} VMs wait until it is known where they run, and {recovery.Orphans.Count} guests are of no VM."),
                "lamina cluster recovery show");
    }

    private static DoctorCheck Orphans(DoctorFacts facts)
    {
        string[] orphans = [.. facts.Sweeps.SelectMany(sweep => sweep.Value.Orphans)];
        return orphans.Length == 0
            ? Ok("orphans", "nothing without an owner")
            : Warning("orphans", $"Without an owner, and left as they are: {string.Join("; ", orphans)}.", "Look at each, and remove what is not wanted by hand.");
    }

    private static DoctorCheck Clock(DoctorFacts facts) => facts.ClockIsSynchronized switch
    {
        true => Ok("clock", "kept right by NTP"),
        _ => Warning(
            "clock", string.Create(CultureInfo.InvariantCulture, $"Nothing keeps the clock right; it says {facts.Now:yyyy-MM-dd HH:mm:ss} UTC."),
            "Run chrony or systemd-timesyncd: certificates and the order of events across hosts depend on the clock."),
    };

    private static DoctorCheck Certificate(DoctorFacts facts)
    {
        string ends = string.Create(CultureInfo.InvariantCulture, $"the API's ends on {facts.CertificateEnds:yyyy-MM-dd} and is renewed by itself, the CA's on {facts.CaEnds:yyyy-MM-dd}");
        if (facts.CaEnds - facts.Now < CaWarning) return Warning("certificate", $"The CA ends soon: {ends}.", "Plan a new CA: every context must pin it.");
        return facts.CertificateEnds - facts.Now < CertificateWarning
            ? Error("certificate", $"The API's certificate was not renewed: {ends}.", "See the daemon's log for why; restarting it renews too.")
            : Ok("certificate", ends);
    }

    private static IEnumerable<DoctorCheck> OwnCertificate(DoctorFacts facts)
    {
        if (facts.OwnCertificateEnds is not { } ends) yield break;
        string words = string.Create(CultureInfo.InvariantCulture, $"the own certificate ends on {ends:yyyy-MM-dd}");
        const string remedy = "Set its successor: lamina certificate set CERTIFICATE KEY.";
        yield return ends <= facts.Now ? Error("own certificate", $"Browsers refuse it: {words}.", remedy)
            : ends - facts.Now < CertificateWarning ? Warning("own certificate", $"It is to be replaced: {words}.", remedy)
            : Ok("own certificate", words);
    }

    private static IEnumerable<DoctorCheck> FirstPassword(DoctorFacts facts)
    {
        if (facts.FirstPasswordFile is { } file)
            yield return Warning("first password", $"The administrator still has the password of the installation, which lies in {file}.", "lamina user set-password admin; the file goes with it");
    }

    private static DoctorCheck Group(DoctorFacts facts) => facts.HasLocalGroup
        ? Ok("group", $"members of '{LocalSocket.Group}' may use the local socket; they equal root")
        : Warning("group", $"There is no group '{LocalSocket.Group}', so only root may use the local socket.", $"groupadd --system {LocalSocket.Group}; then restart the daemon");

    private static DoctorCheck Ok(string name, string message) => new() { Name = name, Verdict = CheckVerdict.Ok, Message = message };

    private static DoctorCheck Warning(string name, string message, string remedy) =>
        new() { Name = name, Verdict = CheckVerdict.Warning, Message = message, Remedy = remedy };

    private static DoctorCheck Error(string name, string message, string remedy) =>
        new() { Name = name, Verdict = CheckVerdict.Error, Message = message, Remedy = remedy };
}
