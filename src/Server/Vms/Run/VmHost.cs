using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Operations;
using Lamina.Server.Store;

namespace Lamina.Server.Vms.Run;

/// <summary>The ground on which this host's runners stand.</summary>
internal sealed record VmHost
{
    public required Instance Instance { get; init; }
    public required string HostId { get; init; }
    public required string HostName { get; init; }

    /// <summary>The kernel's, injected so that a reboot can be played.</summary>
    public required string BootId { get; init; }
    public required string Incarnation { get; init; }
    public required IStore Store { get; init; }
    /// <summary>The store's, as found at the start.</summary>
    public required StoreGeneration Generation { get; init; }
    public required Cache Cache { get; init; }
    public required TimeProvider Time { get; init; }
    public required IVmEngine Engine { get; init; }
    public required VmResources Resources { get; init; }
    public required EventLog Events { get; init; }
    public required OperationRuns Operations { get; init; }
    public required HostMemory Memory { get; init; }
    public required VmUserIds UserIds { get; init; }
    public required ILoggerFactory Loggers { get; init; }
}
