using Lamina.Engine;
using Lamina.Engine.Qemu;
using Lamina.Linux;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Processes;
using Lamina.Testing.Media;

namespace Lamina.Tests.Integration.Engine;

/// <summary>A place of its own for one test's VMs: folder, cgroups, engine. Whatever is left when the test ends is ended with it.</summary>
internal sealed class EngineHost : IAsyncDisposable
{
    private const int FirstUid = 300_000;
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(20);
    private static int s_lastUid = FirstUid;

    private readonly string _cgroupParent = $"lamina-test-{Environment.ProcessId}-{Guid.NewGuid():N}";
    private readonly CancellationTokenSource _deadline =
        CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    /// <param name="configure">Sets the engine's options apart from the usual.</param>
    public EngineHost(Func<QemuEngineOptions, QemuEngineOptions>? configure = null)
    {
        Assert.True(Environment.UserName == "root", "VMs are started by root: sudo ./dev vm");
        _deadline.CancelAfter(TimeSpan.FromMinutes(3));
        Cgroups = CgroupManager.Detect(_cgroupParent);
        var options = new QemuEngineOptions { CacheFolder = Path.Combine(Folder, "cache") };
        Options = configure?.Invoke(options) ?? options;
        Engine = NewEngine();
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("lamina-e-").FullName;
    public CgroupManager Cgroups { get; }
    public QemuEngineOptions Options { get; }
    public QemuEngine Engine { get; }
    /// <summary>Ends every wait of the test.</summary>
    public CancellationToken Deadline => _deadline.Token;

    /// <summary>An engine as a restarted daemon has it.</summary>
    public QemuEngine NewEngine() => new(Options, Cgroups, BootTimeProvider.Shared);

    /// <summary>A VM with firmware and nothing to boot: enough for what concerns the process.</summary>
    public async Task<VmDefinition> BareAsync()
    {
        var capabilities = await Engine.ProbeAsync(Deadline);
        var id = Guid.NewGuid();
        var uid = Interlocked.Increment(ref s_lastUid);
        return new VmDefinition
        {
            Id = id,
            Name = $"test-{id.ToString()[..8]}",
            Instance = "test",
            Epoch = 3,
            Run = 7,
            MachineType = capabilities.DefaultMachineType,
            Accelerator = capabilities.Accelerator,
            CpuModel = capabilities.DefaultCpuModel,
            Cpus = 1,
            MaxCpus = 1,
            MemoryMiB = 64,
            Uid = uid,
            Gid = uid,
            RuntimeFolder = Path.Combine(Folder, "vms", id.ToString()),
        };
    }

    /// <summary>The small Linux, booted from its kernel; <paramref name="script"/> runs once it is up.</summary>
    public async Task<VmDefinition> SmallLinuxAsync(string? script = null)
    {
        var media = await SmallLinux.GetAsync(Deadline);
        return await BareAsync() with
        {
            MemoryMiB = 192,
            Video = new VideoDefinition { Model = VideoModel.None },
            Kernel = new KernelDefinition
            {
                KernelPath = media.Kernel,
                InitrdPath = media.Initrd,
                CommandLine = script == null ? SmallLinux.CommandLine : $"{SmallLinux.CommandLine} {SmallLinux.Run(script)}",
            },
        };
    }

    /// <summary>An empty image in the test's folder.</summary>
    public async Task<string> ImageAsync(string name, string format, string? backing = null)
    {
        var path = Path.Combine(Folder, name);
        string[] arguments = backing == null
            ? ["create", "-q", "-f", format, path, "16M"]
            : ["create", "-q", "-f", format, "-b", backing, "-F", "qcow2", path];
        (await Command.RunAsync(new CommandSpec { Program = "qemu-img", Arguments = arguments, Timeout = TimeSpan.FromSeconds(20) }, Deadline))
            .EnsureSuccess();
        return path;
    }

    /// <summary>The pid of a VM's QEMU.</summary>
    public int ProcessOf(VmDefinition definition) => Assert.Single(Cgroups.ReadMembers(definition.Id.ToString()));

    public async ValueTask DisposeAsync()
    {
        foreach (var left in Cgroups.List())
        {
            await Cgroups.KillAllAsync(left.Name, KillPatience, CancellationToken.None);
            await Cgroups.RemoveAsync(left.Name, CancellationToken.None);
        }
        foreach (var root in Directory.EnumerateDirectories("/sys/fs/cgroup").Prepend("/sys/fs/cgroup"))
            if (Directory.Exists(Path.Combine(root, _cgroupParent))) Directory.Delete(Path.Combine(root, _cgroupParent));
        Directory.Delete(Folder, recursive: true);
        _deadline.Dispose();
    }
}
