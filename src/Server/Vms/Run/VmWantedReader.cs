using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>Reads from a snapshot what is wanted of this host for one VM (pure).</summary>
internal static class VmWantedReader
{
    /// <summary>Parameters of the operation <c>vm.shutdown</c>.</summary>
    public const string TimeoutParameter = "timeoutSeconds";
    public const string ForceAfterParameter = "forceAfter";

    /// <summary>Parameter of the operation <c>vm.start</c>.</summary>
    public const string BootParameter = "boot";

    /// <summary>Null: there is no such VM, or it is not this host's.</summary>
    /// <param name="snapshot">The state.</param>
    /// <param name="vmId">The VM.</param>
    /// <param name="hostId">This host.</param>
    /// <param name="served">The request that the host's last commit has served.</param>
    public static VmWanted? Read(CacheSnapshot snapshot, string vmId, string hostId, string? served)
    {
        if (snapshot.Get(Keys.Vms.Spec, vmId) is not { } spec || snapshot.Get(Keys.Vms.Assignment, vmId) is not { } assignment) return null;
        if (assignment.Record.Host != hostId) return null;
        var power = spec.Record.Power;
        bool isServed = power.Request is null || power.Request == served;
        return new VmWanted
        {
            Spec = spec.Record,
            Host = hostId,
            Epoch = assignment.Record.Epoch,
            Since = assignment.Record.Since,
            Order = isServed ? null : OrderOf(power.Request!, power.Wanted, snapshot.Get(Keys.Operations.Request, power.Request!)?.Record),
        };
    }

    /// <summary>How the order is to be carried out; a request whose operation is lost is carried out politely.</summary>
    private static PowerOrder OrderOf(string operation, PowerWanted wanted, OperationRequest? request)
    {
        var order = new PowerOrder(operation, wanted) { CancelRequested = request?.CancelRequested == true, Force = request?.Kind == VmOperations.Stop };
        if (request?.Parameters is not { } parameters) return order;
        return order with
        {
            Timeout = Number(parameters, TimeoutParameter) is { } seconds ? TimeSpan.FromSeconds(seconds) : order.Timeout,
            Boot = BootOf(parameters),
            ForceAfter = (parameters[ForceAfterParameter] as JsonValue)?.TryGetValue(out bool force) == true && force,
        };
    }

    private static BootDevice? BootOf(JsonObject parameters) =>
        (parameters[BootParameter] as JsonValue)?.TryGetValue(out string? word) == true && Enum.TryParse<BootDevice>(word, ignoreCase: true, out var device) ? device : null;

    /// <summary>Parameters of the operation <c>vm.change</c>.</summary>
    public const string PathsParameter = "paths";
    public const string ForceParameter = "force";

    public static ChangeOrder ChangeOf(string operation, OperationRequest request, bool cancelRequested) => new(
        operation,
        request.Parameters?[PathsParameter] is JsonArray paths ? [.. paths.OfType<JsonValue>().Select(path => path.GetValue<string>())] : [],
        (request.Parameters?[ForceParameter] as JsonValue)?.TryGetValue(out bool force) == true && force,
        cancelRequested || request.CancelRequested);

    private static int? Number(JsonObject parameters, string name) =>
        (parameters[name] as JsonValue)?.TryGetValue(out int number) == true ? number : null;
}
