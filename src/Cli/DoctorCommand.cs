using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina doctor</c>: what is wrong with the installation, and the remedy. Ends with 1 when anything is.</summary>
internal static class DoctorCommand
{
    private static readonly IReadOnlyList<Column<DoctorCheck>> Columns =
    [
        new("", c => c.Verdict switch { CheckVerdict.Ok => "✓", CheckVerdict.Warning => "!", _ => "✗" }),
        new("check", c => c.Name),
        new("found", c => c.Message),
        new("remedy", c => c.Remedy ?? ""),
    ];

    public static Command Build()
    {
        var host = SharedOptions.Host();
        return CommandBuilder.Verb("doctor", "check the installation", [host], async (invocation, cancellationToken) =>
        {
            var report = await invocation.Client.Server.DoctorAsync(invocation.Value(host), cancellationToken);
            invocation.Printer.List(report.Checks, ApiJson.Default.DoctorCheck, Columns);
            return report.Checks.Any(c => c.Verdict == CheckVerdict.Error) ? ExitCode.Failed : ExitCode.Done;
        });
    }
}
