using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;

namespace Lamina.Server.Maintenance;

/// <summary>That a host is to be emptied, or to get back what left it: an operation that the leader carries out.</summary>
internal sealed record EvacuationJob
{
    public const string Enter = "host.maintenance";
    public const string Exit = "host.maintenanceExit";
    public const string Evacuate = "host.evacuate";
    public const string Reboot = "host.reboot";
    public const string Shutdown = "host.shutdown";

    public const string WithStorageParameter = "withStorage";
    public const string SkipBlockedParameter = "skipBlocked";
    public const string StopGuestsParameter = "stopGuests";
    public const string NoReturnParameter = "noReturn";

    public static IReadOnlyList<string> Kinds { get; } = [Enter, Exit, Evacuate, Reboot, Shutdown];

    public required string Operation { get; init; }
    public required string Kind { get; init; }

    /// <summary>Id of the host.</summary>
    public required string Host { get; init; }
    public required string HostName { get; init; }
    public required string RequestedBy { get; init; }
    public bool WithStorage { get; init; }

    /// <summary>What cannot go is no failure.</summary>
    public bool SkipBlocked { get; init; }
    public bool StopGuests { get; init; }
    public bool NoReturn { get; init; }
    public bool IsCancelled { get; init; }

    /// <summary>The host is kept empty from the beginning on, and VMs come back at the exit.</summary>
    public bool IsMaintenance => Kind is Enter or Reboot or Shutdown;

    /// <summary>The machine itself is asked for something at the end.</summary>
    public bool EndsWithPower => Kind is Reboot or Shutdown;

    public ObjectReference Target => new() { Kind = "host", Id = Host, Name = HostName };

    /// <summary>Those that have not ended, oldest first.</summary>
    public static IReadOnlyList<EvacuationJob> Open(CacheSnapshot snapshot) => [.. OperationViews.Open(snapshot, Kinds).Select(Of)];

    private static EvacuationJob Of(CachedRecord<OperationRequest> request)
    {
        bool Is(string parameter) => (bool?)request.Record.Parameters?[parameter] ?? false;
        return new EvacuationJob
        {
            Operation = request.Id,
            Kind = request.Record.Kind,
            Host = request.Record.Target.Id,
            HostName = request.Record.Target.Name ?? request.Record.Target.Id,
            RequestedBy = request.Record.RequestedBy,
            // What could leave only with its disks comes back only with them.
            WithStorage = request.Record.Kind == Exit || Is(WithStorageParameter),
            SkipBlocked = Is(SkipBlockedParameter),
            StopGuests = Is(StopGuestsParameter),
            NoReturn = Is(NoReturnParameter),
            IsCancelled = request.Record.CancelRequested,
        };
    }
}
