using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Events;
using Lamina.Server.Images;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Store;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Copies;

/// <summary>What the room Copies is made with.</summary>
internal sealed record CopyParts
{
    public required IStore Store { get; init; }
    public required Cache Cache { get; init; }
    public required TimeProvider Time { get; init; }
    public required EventLog Events { get; init; }
    public required OperationExecutor Executor { get; init; }
    public required Sweeper Sweeper { get; init; }
    public required HostPools Pools { get; init; }
    public required HostDisks Disks { get; init; }
    public required WorkerUsers Workers { get; init; }
    public required HostVms Vms { get; init; }
    public required SecretBox Secrets { get; init; }
}
