using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Lamina.Linux.Files;
using Lamina.Linux.Host;
using Lamina.Linux.Processes;

namespace Lamina.Engine.Qemu;

/// <summary>
/// What this machine and its QEMU offer: asked once per binary and accelerator, then read from a file, then from memory. A file
/// that cannot be read or written costs a question, nothing else.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore's wait handle is never taken, so nothing is held.")]
internal sealed class QemuProber(QemuEngineOptions options)
{
    private const string KvmDevice = "/dev/kvm";

    private readonly SemaphoreSlim _once = new(1, 1);
    private readonly Lock _lock = new();
    private HostFacts? _host;
    private QemuProbeResult? _latest;

    /// <summary>The group that may open /dev/kvm, where guests use it; none under TCG.</summary>
    public IReadOnlyList<uint> GroupsFor(Accelerator accelerator)
    {
        if (accelerator != Accelerator.Kvm) return [];
        using var folder = RootedDirectory.Open("/dev");
        return folder.Find(Path.GetFileName(KvmDevice)) is { } device ? [device.GroupId] : [];
    }

    /// <exception cref="VmEngineException">QEMU is missing or does not answer.</exception>
    public async Task<EngineCapabilities> CapabilitiesAsync(CancellationToken cancellationToken)
    {
        var (verdict, cpu, _) = ReadHost();
        var result = await ProbeAsync(cancellationToken);
        return new EngineCapabilities
        {
            Binary = result.Key.Binary,
            Version = result.Version,
            Accelerator = result.Key.Accelerator,
            AcceleratorReason = verdict.Summary,
            DefaultMachineType = Newest(result, MachineTypes.Q35),
            DefaultPcMachineType = Newest(result, MachineTypes.Pc),
            MachineTypes = result.MachineTypes,
            DefaultCpuModel = CpuModels.Default(result.CpuModels, result.Key.Accelerator, cpu.Vendor),
            CpuModels = result.CpuModels,
            MaxCpus = result.MaxCpus,
            Uefi = FirstInstalled(options.UefiCandidates),
            SecureUefi = FirstInstalled(options.SecureUefiCandidates),
            TpmProgram = Programs.Find(options.TpmBinary),
            PostCopyProblem = PostCopySupport.Problem() is { } problem ? $"No guest can come here in post-copy: {problem} {PostCopySupport.Remedy}" : null,
        };
    }

    /// <summary>Answers from memory while the binary is the same file.</summary>
    public async Task<QemuProbeResult> ProbeAsync(CancellationToken cancellationToken)
    {
        var key = ReadKey();
        if (_latest is { } known && known.Key == key) return known;
        await _once.WaitAsync(cancellationToken);
        try
        {
            if (_latest is { } meanwhile && meanwhile.Key == key) return meanwhile;
            var result = ReadFile(key);
            if (result == null)
            {
                result = await QemuProbe.RunAsync(key, GroupsFor(key.Accelerator), ProcessName, cancellationToken);
                WriteFile(result);
            }
            return _latest = result;
        }
        finally
        {
            _once.Release();
        }
    }

    private static UefiFirmware? FirstInstalled(IReadOnlyList<UefiFirmware> candidates) =>
        candidates.FirstOrDefault(candidate => File.Exists(candidate.CodePath) && File.Exists(candidate.VarsTemplatePath));

    /// <summary>
    /// Tried once; and again when /dev/kvm has come or gone, since at a boot of the host its module may be loaded after the daemon, and while KVM has
    /// not answered, since a busy host may be late.
    /// </summary>
    private HostFacts ReadHost()
    {
        lock (_lock)
        {
            var hasDevice = File.Exists(KvmDevice);
            if (_host is { Verdict.IsFinal: true } known && known.HasKvmDevice == hasDevice) return known;
            return _host = new HostFacts(KvmProbe.Run(), CpuFacts.Read(), hasDevice);
        }
    }

    private QemuProbeKey ReadKey()
    {
        var (verdict, cpu, _) = ReadHost();
        var binary = Programs.Find(options.Binary) ?? throw new VmEngineException(VmEngineFailure.EngineMissing,
            $"The program {options.Binary} is not installed.", "Install QEMU: `apt-get install qemu-system-x86`.");
        var file = new FileInfo(binary);
        var kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        return new QemuProbeKey(QemuProbeKey.CurrentForm, binary, file.Length, new DateTimeOffset(file.LastWriteTimeUtc, TimeSpan.Zero),
            verdict.Works ? Accelerator.Kvm : Accelerator.Tcg, $"{cpu.Model}, Linux {kernel}");
    }

    private static string Newest(QemuProbeResult result, string family) => MachineTypes.Newest(result.MachineTypes, family)
        ?? throw new VmEngineException(VmEngineFailure.EngineMissing, $"{result.Key.Binary} {result.Version} has no {family} machine.",
            "Install Debian's qemu-system-x86 package: this build of QEMU leaves out PC machines.");

    // The cache is one daemon's own.
    private string ProcessName => $"probe for {options.CacheFolder.Replace(",", ",,", StringComparison.Ordinal)}";

    private string FilePath(Accelerator accelerator) => Path.Combine(options.CacheFolder, $"qemu-{accelerator.ToString().ToLowerInvariant()}.json");

    private QemuProbeResult? ReadFile(QemuProbeKey key)
    {
        try
        {
            var result = JsonSerializer.Deserialize(File.ReadAllBytes(FilePath(key.Accelerator)), EngineJson.Default.QemuProbeResult);
            return result?.Key == key ? result : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private void WriteFile(QemuProbeResult result)
    {
        try
        {
            Directory.CreateDirectory(options.CacheFolder);
            var path = FilePath(result.Key.Accelerator);
            File.WriteAllBytes($"{path}.tmp", JsonSerializer.SerializeToUtf8Bytes(result, EngineJson.Default.QemuProbeResult));
            File.Move($"{path}.tmp", path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It is asked again next time.
        }
    }

    private sealed record HostFacts(KvmVerdict Verdict, CpuFacts Cpu, bool HasKvmDevice);
}
