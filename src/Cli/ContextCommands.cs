using System.CommandLine;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Cli.Connection;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina login</c> and <c>lamina context …</c>: several servers, by name.</summary>
internal static class ContextCommands
{
    private static readonly IReadOnlyList<Column<Context>> Columns =
    [
        new("name", c => c.Name),
        new("server", c => c.Server),
        new("project", c => c.Project),
        new("logged in", c => c.Token is null ? "no" : "yes"),
    ];

    public static Command Login()
    {
        var server = new Argument<string>("server") { Description = "https://host:7443" };
        var name = new Option<string?>("--name") { Description = "name of the context (default: the host)", HelpName = "name" };
        var user = new Option<string?>("--user") { Description = "who you are (default: admin)", HelpName = "name" };
        var token = new Option<string?>("--token-file") { Description = "log in with the API token in this file; - reads standard input", HelpName = "file" };
        var fingerprint = new Option<string?>("--fingerprint") { Description = "of the installation's CA, as the daemon printed it", HelpName = "sha256" };
        return CommandBuilder.Verb("login", "log in to a server and remember it as a context", [server, name, user, token, fingerprint], async (invocation, cancellationToken) =>
        {
            var address = Address(invocation.Value(server));
            var pem = await TrustAsync(address, invocation.Value(fingerprint), cancellationToken);
            var options = new LaminaClientOptions { Address = address, CaPem = pem };
            var secret = await SecretAsync(options, invocation, token, user, cancellationToken);
            using (var client = new LaminaClient(options with { Token = secret }))
            {
                var who = await client.Server.WhoAmIAsync(cancellationToken);
                var context = new Context { Name = invocation.Value(name) ?? address.Host, Server = address.ToString().TrimEnd('/'), CertificateAuthority = pem, Token = secret };
                ContextStore.OfUser().Put(context);
                invocation.Say($"logged in to {address.Authority} as {who.Subject}; it is context {context.Name}, now the current one");
            }
        });
    }

    public static Command Build() => CommandBuilder.Noun("context", "servers that this command line knows", List(), Use(), Delete());

    private static Command List() => CommandBuilder.Verb("list", "the contexts; * marks the current one", [], (invocation, _) =>
    {
        var known = ContextStore.OfUser().Load();
        // The token stays in its file, whatever the format.
        var shown = known.Contexts.Select(c => c with { Name = c.Name == known.Current ? c.Name + "*" : c.Name, Token = c.Token is null ? null : "(kept)" }).ToList();
        invocation.Printer.List(shown, ContextJson.Default.Context, Columns);
        return Task.CompletedTask;
    });

    private static Command Use()
    {
        var name = new Argument<string>("name") { Description = "its name; local for this machine's daemon" };
        return CommandBuilder.Verb("use", "make it the current one", [name], (invocation, _) =>
        {
            var store = ContextStore.OfUser();
            var known = store.Load();
            var wanted = invocation.Value(name);
            if (wanted != "local" && known.Contexts.All(c => c.Name != wanted)) throw new CliException(ExitCode.NotFound, $"there is no context {wanted}");
            store.Save(known with { Current = wanted == "local" ? null : wanted });
            return Task.CompletedTask;
        });
    }

    private static Command Delete()
    {
        var name = new Argument<string>("name");
        return CommandBuilder.Verb("delete", "forget it", [name], (invocation, _) =>
        {
            var store = ContextStore.OfUser();
            var known = store.Load();
            var wanted = invocation.Value(name);
            if (known.Contexts.All(c => c.Name != wanted)) throw new CliException(ExitCode.NotFound, $"there is no context {wanted}");
            store.Save(new ContextFile { Current = known.Current == wanted ? null : known.Current, Contexts = [.. known.Contexts.Where(c => c.Name != wanted)] });
            return Task.CompletedTask;
        });
    }

    private static Uri Address(string text)
    {
        var full = text.Contains("://", StringComparison.Ordinal) ? text : $"https://{text}";
        if (!Uri.TryCreate(full, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps)
            throw new CliException(ExitCode.Usage, $"{text} is no address of a server", "write for example https://server:7443");
        return uri.IsDefaultPort && !full[8..].Contains(':', StringComparison.Ordinal) ? new UriBuilder(uri) { Port = LaminaClientOptions.DefaultPort }.Uri : uri;
    }

    /// <summary>Without a fingerprint a person compares the one shown with the one that the daemon printed.</summary>
    /// <returns>The CA to pin; null: the server has a certificate of its own that this machine trusts.</returns>
    private static async Task<string?> TrustAsync(Uri address, string? fingerprint, CancellationToken cancellationToken)
    {
        if (fingerprint is null && await CaPin.IsTrustedAsync(address, cancellationToken)) return null;
        var pem = await CaPin.FetchAsync(address, fingerprint, cancellationToken);
        if (fingerprint is not null) return pem;
        Console.Error.WriteLine($"{address.Authority} shows a certificate authority with the fingerprint\n  {CaPin.FingerprintOf(pem, address)}");
        Terminal.Confirm("Is this the one that the daemon printed?", yes: false);
        return pem;
    }

    private static async Task<string> SecretAsync(
        LaminaClientOptions options, Invocation invocation, Option<string?> token, Option<string?> user, CancellationToken cancellationToken)
    {
        if (invocation.Value(token) is { } file)
            return (file == "-" ? await Console.In.ReadToEndAsync(cancellationToken) : await TextFile.ReadAsync(file, cancellationToken))!.Trim();
        var name = invocation.Value(user) ?? "admin";
        using var client = new LaminaClient(options);
        var session = await client.Sessions.CreateAsync(new SessionCreate { User = name, Password = Terminal.ReadSecret($"Password of {name}: ") }, cancellationToken);
        return session.Token!;
    }
}
