using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina certificate …</c>: under which certificate the API answers.</summary>
internal static class CertificateCommands
{
    private static readonly IReadOnlyList<Column<ServerCertificate>> Columns =
    [
        new("origin", c => c.Own ? "set by an administrator" : "the installation's, renewed by itself"),
        new("names", c => string.Join(' ', c.Names)),
        new("issuer", c => c.Issuer),
        new("ends", c => Times.Absolute(c.NotAfter)),
        new("fingerprint", c => c.Fingerprint),
    ];

    public static Command Build() => CommandBuilder.Noun("certificate", "of the API", Show(), Set(), Reset());

    private static Command Show() => CommandBuilder.Verb("show", "the one in use", [], async (invocation, cancellationToken) =>
        invocation.Printer.Show(await invocation.Client.Server.CertificateAsync(cancellationToken), ApiJson.Default.ServerCertificate, Columns));

    private static Command Set()
    {
        var certificate = new Argument<string>("certificate") { Description = "PEM file: the server's certificate, then its chain" };
        var key = new Argument<string>("key") { Description = "PEM file with its private key" };
        return CommandBuilder.Verb("set", "use an own certificate for the names that it bears", [certificate, key], async (invocation, cancellationToken) =>
        {
            var set = new ServerCertificateSet
            {
                CertificatePem = (await TextFile.ReadAsync(invocation.Value(certificate), cancellationToken))!,
                PrivateKeyPem = (await TextFile.ReadAsync(invocation.Value(key), cancellationToken))!,
            };
            var now = await invocation.Client.Server.SetCertificateAsync(set, cancellationToken);
            invocation.Say($"clients that call the server {string.Join(" or ", now.Names)} get it from now on; contexts that pin the installation's CA log in again there");
        });
    }

    private static Command Reset()
    {
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("reset", "go back to the installation's certificate", [yes], async (invocation, cancellationToken) =>
        {
            Terminal.Confirm("Stop using the own certificate?", invocation.Value(yes));
            await invocation.Client.Server.ResetCertificateAsync(cancellationToken);
            invocation.Say("the installation's certificate is used for every name");
        });
    }
}
