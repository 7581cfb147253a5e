using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli;

/// <summary><c>lamina support-bundle</c></summary>
internal static class SupportBundleCommand
{
    public static Command Build()
    {
        var file = new Argument<string?>("file") { Description = "default: lamina-support-<time>.tar.gz", Arity = ArgumentArity.ZeroOrOne };
        var host = SharedOptions.Host();
        return CommandBuilder.Verb("support-bundle", "write an archive that helps others to find a fault; it has no secrets", [file, host], async (invocation, cancellationToken) =>
        {
            var path = invocation.Optional(file) ?? $"lamina-support-{TimeProvider.System.GetUtcNow():yyyyMMdd-HHmmss}.tar.gz";
            await DownloadFile.WriteAsync(path, target => invocation.Client.Server.SupportBundleAsync(target, invocation.Value(host), cancellationToken));
            invocation.Say($"{path} ({Sizes.Format(new FileInfo(TextFile.FullPath(path)).Length)}): doctor, records, logs and network rules of {(invocation.Value(host) is { } named ? $"host {named}" : "this host")}; names and addresses are in it, passwords and keys are not");
        });
    }
}
