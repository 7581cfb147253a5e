using System.CommandLine;
using System.CommandLine.Completions;
using Lamina.Api.Client;
using Lamina.Cli.Connection;

namespace Lamina.Cli.Vms;

/// <summary>The name or id of a VM, completed from the daemon.</summary>
internal static class VmArgument
{
    public static Argument<string> Create()
    {
        var argument = new Argument<string>("vm") { Description = "name or id" };
        argument.CompletionSources.Add(Complete);
        return argument;
    }

    /// <summary>Completion must never print an error nor wait for a server that is away.</summary>
    private static IEnumerable<CompletionItem> Complete(CompletionContext context)
    {
        try
        {
            var parsed = context.ParseResult;
            var options = ServerChoice.Options(parsed.GetValue(Globals.Context), parsed.GetValue(Globals.Project)) with { RequestTimeout = TimeSpan.FromSeconds(1) };
            using var client = new LaminaClient(options);
            return [.. client.Vms.ListAsync(CancellationToken.None).ToBlockingEnumerable().Select(vm => new CompletionItem(vm.Name))];
        }
#pragma warning disable CA1031
        catch (Exception)
#pragma warning restore CA1031
        {
            return [];
        }
    }
}
