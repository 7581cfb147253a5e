using System.Net.Sockets;
using System.Text;
using Lamina.Engine.Qmp;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;

namespace Lamina.Engine.Qemu;

/// <summary>Asks a QEMU without a machine what it can do. Takes about 0.1 s.</summary>
internal static class QemuProbe
{
    private const int MonitorNumber = 3;
    private const int StderrBytes = 4096;
    // Needs nothing of this machine: the kernel's "nobody".
    private static readonly ChildUser Nobody = new(65534, 65534);

    /// <param name="key">What is asked.</param>
    /// <param name="groups">That the process needs.</param>
    /// <param name="name">Of the process: the one of this name that a daemon left behind when it died is ended first.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="VmEngineException">It does not start or does not answer.</exception>
    public static async Task<QemuProbeResult> RunAsync(QemuProbeKey key, IReadOnlyList<uint> groups, string name, CancellationToken cancellationToken)
    {
        await EndLeftoversAsync(name, cancellationToken);
        var (ours, theirs) = FdPassing.CreatePair();
        using var socket = new Socket(ours);
        using var process = Start(key, groups, name, theirs);
        try
        {
            await using var client = await QmpClient.OpenAsync(new NetworkStream(socket), outOfBand: false, cancellationToken);
            var result = await AskAsync(key, client, cancellationToken);
            await client.ExecuteAsync(QmpCommands.Quit, QmpNothing.Instance, cancellationToken);
            return result;
        }
        catch (Exception exception) when (exception is QmpClosedException or QmpErrorException or QmpProtocolException)
        {
            process.Send(Signal.Kill);
            await process.WaitForExitAsync(cancellationToken);
            var words = Encoding.UTF8.GetString(process.StandardError).Trim();
            throw new VmEngineException(VmEngineFailure.EngineMissing,
                $"{key.Binary} does not tell what it can do: {exception.Message} {words}".TrimEnd(),
                "Reinstall the package that brings QEMU (qemu-system-x86) and run `lamina doctor`.", exception) { StderrTail = words };
        }
        catch
        {
            process.Send(Signal.Kill);
            throw;
        }
    }

    private static async Task EndLeftoversAsync(string name, CancellationToken cancellationToken)
    {
        foreach (var identity in ProcessIdentity.FindByArgument(name))
        {
            using var process = ChildProcess.Adopt(identity);
            if (process is null) continue;
            process.Send(Signal.Kill);
            await process.WaitForExitAsync(cancellationToken);
        }
    }

    private static ChildProcess Start(QemuProbeKey key, IReadOnlyList<uint> groups, string name, SafeSocketHandle monitor)
    {
        using (monitor)
        {
            try
            {
                return ChildProcess.Spawn(new ChildSpec
                {
                    Program = key.Binary,
                    Arguments =
                    [
                        "-name", name, "-machine", "none", "-accel", key.Accelerator == Accelerator.Kvm ? "kvm" : "tcg", "-nodefaults", "-no-user-config",
                        "-display", "none", "-S", "-chardev", $"socket,id=qmp,fd={MonitorNumber}", "-mon", "chardev=qmp,mode=control",
                    ],
                    Files = [new ChildFile(monitor, MonitorNumber)],
                    User = Nobody with { SupplementaryGroups = groups },
                    StandardError = ChildOutput.Tail(StderrBytes),
                });
            }
            catch (LinuxException exception)
            {
                throw new VmEngineException(VmEngineFailure.EngineMissing, $"{key.Binary} cannot be started: {exception.Message}",
                    "Install QEMU: `apt-get install qemu-system-x86`.", exception);
            }
        }
    }

    private static async Task<QemuProbeResult> AskAsync(QemuProbeKey key, QmpClient client, CancellationToken cancellationToken)
    {
        var machines = client.ExecuteAsync(QmpCommands.QueryMachines, QmpNothing.Instance, cancellationToken);
        var models = client.ExecuteAsync(QmpCommands.QueryCpuDefinitions, QmpNothing.Instance, cancellationToken);
        var virtioNet = client.ExecuteAsync(QmpCommands.DeviceListProperties,
            new DeviceListPropertiesArguments { Typename = "virtio-net-pci" }, cancellationToken);
        var usable = (await machines).Where(machine => !machine.Deprecated).ToArray();
        var newest = MachineTypes.Newest(usable.Select(machine => machine.Name), MachineTypes.Q35);
        return new QemuProbeResult
        {
            Key = key,
            Version = client.Version.ToString(),
            MachineTypes = MachineTypes.Versioned(usable.Select(machine => machine.Name)),
            MaxCpus = usable.FirstOrDefault(machine => machine.Name == newest)?.CpuMax ?? 0,
            // Without a list of what is missing a model cannot be said to run here whole.
            CpuModels = [.. (await models).Where(model => !model.Deprecated && model.UnavailableFeatures != null)
                .Select(model => new CpuModelInfo { Name = model.Name, UnavailableFeatures = model.UnavailableFeatures! })],
            Features = new QemuFeatures { VirtioNetUso = (await virtioNet).Any(property => property.Name == "host_uso") },
        };
    }
}
