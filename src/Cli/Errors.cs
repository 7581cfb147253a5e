using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary>The one place that turns a failure into words on standard error and an exit code.</summary>
internal static class Errors
{
    public static ExitCode Report(Exception error) => error switch
    {
        LaminaException refused => Refused(refused.Problem),
        LaminaUnreachableException unreachable => Say(ExitCode.Unreachable, unreachable.Message, null),
        CliException own => Say(own.ExitCode, own.Message, own.Remedy),
        TimeoutException late => Say(ExitCode.TimedOut, late.Message, null),
        OperationCanceledException => Say(ExitCode.Failed, "interrupted", null),
        UnauthorizedAccessException or IOException => Say(ExitCode.Failed, error.Message, null),
        _ => Say(ExitCode.Failed, $"{error.GetType().Name}: {error.Message}", "this is a fault of the CLI: please report it"),
    };

    public static ExitCode Failed(string what, Failure failure) => Say(CodeOf(failure.Code), $"{what}: {failure.Message}", failure.Remedy);

    private static ExitCode Refused(Problem problem)
    {
        var code = problem.Status switch
        {
            404 => ExitCode.NotFound,
            409 or 412 => ExitCode.Conflict,
            401 or 403 => ExitCode.Denied,
            400 or 422 => ExitCode.Usage,
            408 or 504 => ExitCode.TimedOut,
            503 => ExitCode.Unreachable,
            _ => ExitCode.Failed,
        };
        Say(code, problem.Detail ?? problem.Title, problem.Remedy);
        foreach (var input in problem.Problems ?? []) Console.Error.WriteLine($"  {input.Path}: {Printable.Line(input.Message)}");
        return code;
    }

    private static ExitCode CodeOf(string failureCode) =>
        failureCode.EndsWith("timeout", StringComparison.OrdinalIgnoreCase) ? ExitCode.TimedOut : ExitCode.Failed;

    private static ExitCode Say(ExitCode code, string message, string? remedy)
    {
        Console.Error.WriteLine($"lamina: {Printable.Block(message)}");
        if (!string.IsNullOrEmpty(remedy)) Console.Error.WriteLine($"  → {Printable.Block(remedy)}");
        return code;
    }
}
