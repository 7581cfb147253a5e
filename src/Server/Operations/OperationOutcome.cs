using System.Text.Json.Nodes;
using Lamina.Api;

namespace Lamina.Server.Operations;

/// <summary>How an operation ended.</summary>
internal sealed record OperationOutcome(OperationPhase Phase, Failure? Failure = null, JsonObject? Result = null)
{
    public static OperationOutcome Succeeded { get; } = new(OperationPhase.Succeeded);

    public static OperationOutcome Cancelled { get; } =
        new(OperationPhase.Cancelled, new Failure { Code = "operation.cancelled", Message = "It was cancelled." });

    public static OperationOutcome SucceededWith(JsonObject result) => new(OperationPhase.Succeeded, Result: result);

    public static OperationOutcome Failed(Failure failure) => new(OperationPhase.Failed, failure);

    /// <summary>In the words of the exception where it has words for people.</summary>
    public static OperationOutcome Failed(Exception failure) => Failed(failure is ProblemException problem
        ? problem.ToFailure()
        : new Failure { Code = "internal", Message = failure.Message, Remedy = "The daemon's log says more." });

    /// <summary>A step that must not happen twice was begun, and its effect cannot be found (decision 17).</summary>
    public static OperationOutcome Unknown(string step) => Failed(new Failure
    {
        Code = "operation.outcomeUnknown",
        Message = $"The daemon ended during '{step}', and whether that was done cannot be told.",
        Remedy = "Look at the object, and only else ask again.",
    });
}
