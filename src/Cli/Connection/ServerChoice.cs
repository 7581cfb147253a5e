using Lamina.Api.Client;

namespace Lamina.Cli.Connection;

/// <summary>
/// Which server a command speaks to: <c>--context</c>, else <c>LAMINA_CONTEXT</c>, else the current context, else the daemon of this machine
/// by its local socket (<c>LAMINA_SOCKET</c>, or that of the instance named by <c>LAMINA_INSTANCE</c>).
/// </summary>
internal static class ServerChoice
{
    private const string UnixScheme = "unix:";

    public static LaminaClientOptions Options(string? contextName, string? project)
    {
        var context = Choose(contextName);
        var options = new LaminaClientOptions { Project = project ?? context?.Project, Token = context?.Token, CaPem = context?.CertificateAuthority };
        if (context is null) return options with { SocketPath = LocalSocket() };
        return context.Server.StartsWith(UnixScheme, StringComparison.Ordinal)
            ? options with { SocketPath = context.Server[UnixScheme.Length..] }
            : options with { Address = new Uri(context.Server) };
    }

    private static Context? Choose(string? name)
    {
        var asked = name ?? NullIfEmpty(Environment.GetEnvironmentVariable("LAMINA_CONTEXT"));
        if (asked is null && NullIfEmpty(Environment.GetEnvironmentVariable("LAMINA_SOCKET")) is not null) return null;
        var known = ContextStore.OfUser().Load();
        if ((asked ?? known.Current) is not { } wanted) return null;
        return known.Contexts.FirstOrDefault(c => c.Name == wanted)
            ?? throw new CliException(ExitCode.Usage, $"there is no context {wanted}", "lamina context list shows the known ones");
    }

    private static string LocalSocket()
    {
        if (NullIfEmpty(Environment.GetEnvironmentVariable("LAMINA_SOCKET")) is { } socket) return socket;
        var instance = NullIfEmpty(Environment.GetEnvironmentVariable("LAMINA_INSTANCE"));
        return instance is null ? "/run/lamina/lamina.sock" : $"/run/lamina-{instance}/lamina.sock";
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
