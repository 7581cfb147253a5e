using System.CommandLine;

namespace Lamina.Cli;

/// <summary>The argument that names a host; where there is only one, it need not be named.</summary>
internal static class HostArgument
{
    public static Argument<string?> Create() => new("host") { Description = "its name or id (default: the only one)", Arity = ArgumentArity.ZeroOrOne };

    /// <exception cref="CliException">There are several, and none is named.</exception>
    public static async Task<string> NameAsync(Invocation invocation, Argument<string?> argument, CancellationToken cancellationToken)
    {
        if (invocation.Optional(argument) is { } named) return named;
        var hosts = await invocation.Client.Hosts.ListAsync(cancellationToken).ToListAsync(cancellationToken);
        return hosts is [var only] ? only.Name : throw new CliException(ExitCode.Usage, "which host?", $"name one of {string.Join(", ", hosts.Select(host => host.Name))}");
    }
}
