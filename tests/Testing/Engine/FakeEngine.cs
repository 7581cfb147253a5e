using System.Collections.Concurrent;
using Lamina.Engine;

namespace Lamina.Testing.Engine;

/// <summary>
/// An engine without QEMU, for tests of what drives VMs. Guests live in this object and outlive their <see cref="IVm"/> handles, so a
/// "restarted daemon" attaches again with <see cref="AttachAsync"/>. Script it through <see cref="Guests"/> and the hooks.
/// </summary>
public sealed class FakeEngine : IVmEngine
{
    private readonly ConcurrentDictionary<string, FakeGuest> _byFolder = [];
    private readonly ConcurrentQueue<VmDefinition> _started = [];

    /// <summary>Engines that share one are hosts between which guests can migrate.</summary>
    public FakeWire Wire { get; init; } = new();

    public EngineCapabilities Capabilities { get; set; } = DefaultCapabilities;

    /// <summary>Every definition that was asked to start, in order, failed ones included.</summary>
    public IReadOnlyList<VmDefinition> Started => [.. _started];

    /// <summary>Every guest that has been neither replaced by a newer run nor forgotten; dead ones included.</summary>
    public IReadOnlyCollection<FakeGuest> Guests => [.. _byFolder.Values];

    /// <summary>Called at each probe; an exception fails it.</summary>
    public Func<Task>? OnProbe { get; set; }

    /// <summary>Called at each start; an exception fails it, a pending task delays it.</summary>
    public Func<VmDefinition, Task>? OnStart { get; set; }

    /// <summary>Called with each guest made, before anybody has its handle.</summary>
    public Action<FakeGuest>? OnStarted { get; set; }

    /// <summary>Called at each attach; an exception fails it.</summary>
    public Func<string, Task>? OnAttach { get; set; }

    public FakeGuest Guest(Guid id) => _byFolder.Values.Single(guest => guest.Record.Definition.Id == id);

    public async Task<EngineCapabilities> ProbeAsync(CancellationToken cancellationToken)
    {
        if (OnProbe is { } hook) await hook().WaitAsync(cancellationToken);
        return Capabilities;
    }

    public async Task<IVm> StartPausedAsync(VmDefinition definition, CancellationToken cancellationToken)
    {
        _started.Enqueue(definition);
        if (OnStart is { } hook) await hook(definition).WaitAsync(cancellationToken);
        if (_byFolder.TryGetValue(definition.RuntimeFolder, out var old) && old.IsAlive)
            throw new VmEngineException(VmEngineFailure.AlreadyRunning, $"A process of VM {definition.Name} runs already.", "Attach to it.");
        var guest = new FakeGuest(definition, Wire);
        OnStarted?.Invoke(guest);
        _byFolder[definition.RuntimeFolder] = guest;
        return guest.Attach();
    }

    public async Task<AttachOutcome> AttachAsync(string runtimeFolder, CancellationToken cancellationToken)
    {
        if (OnAttach is { } hook) await hook(runtimeFolder).WaitAsync(cancellationToken);
        if (!_byFolder.TryGetValue(runtimeFolder, out var guest))
            throw new VmEngineException(VmEngineFailure.NoRecord, $"{runtimeFolder} holds no {RunRecord.FileName}.", "Remove the folder.");
        return new AttachOutcome { Record = guest.Record, Vm = guest.IsAlive ? guest.Attach() : null };
    }

    public Task ForgetAsync(string runtimeFolder, CancellationToken cancellationToken)
    {
        if (_byFolder.TryGetValue(runtimeFolder, out var guest) && guest.IsAlive)
            throw new VmEngineException(VmEngineFailure.AlreadyRunning, $"VM {guest.Definition.Name} is alive.", "Stop it first.");
        _byFolder.TryRemove(runtimeFolder, out _);
        return Task.CompletedTask;
    }

    public static EngineCapabilities DefaultCapabilities { get; } = new()
    {
        Binary = "/usr/bin/fake-qemu",
        Version = "7.2.22",
        Accelerator = Accelerator.Tcg,
        AcceleratorReason = "a fake needs no processor",
        DefaultMachineType = "pc-q35-7.2",
        DefaultPcMachineType = "pc-i440fx-7.2",
        MachineTypes = ["pc-q35-7.2", "pc-q35-7.1", "pc-i440fx-7.2"],
        DefaultCpuModel = "Westmere-v1",
        CpuModels = [new CpuModelInfo { Name = "Westmere-v1", UnavailableFeatures = [] }],
        MaxCpus = 288,
        Uefi = new UefiFirmware
        {
            CodePath = "/usr/share/OVMF/OVMF_CODE_4M.fd", VarsTemplatePath = "/usr/share/OVMF/OVMF_VARS_4M.fd",
        },
    };
}
