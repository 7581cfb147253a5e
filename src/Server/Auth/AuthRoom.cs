using System.Net;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Store;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Lamina.Server.Auth;

/// <summary>All of this room, wired: Program opens it, lets it listen, puts <see cref="Authentication"/> before the endpoints and maps them.</summary>
internal sealed class AuthRoom : IDisposable
{
    private readonly Passwords _passwords;
    private readonly TimeProvider _time;
    private readonly LoginThrottle _throttle;

    private readonly string _firstPasswordFile;

    private AuthRoom(Passwords passwords, string firstPasswordFile, TimeProvider time)
    {
        _firstPasswordFile = firstPasswordFile;
        _passwords = passwords;
        _time = time;
        _throttle = new LoginThrottle(time);
    }

    /// <summary>The middleware, between the problem answers and the endpoints.</summary>
    public required Authentication Authentication { get; init; }
    public required TlsIdentity Tls { get; init; }

    /// <summary>Seals what VMs keep under <c>secrets/</c>.</summary>
    public required SecretBox Secrets { get; init; }

    /// <summary>The password of the first administrator when it was made now: to be shown this once, never logged.</summary>
    public string? FirstPassword { get; init; }

    /// <summary>Opens keys and certificates, making those that are missing, and makes the first administrator when there is no user.</summary>
    /// <param name="instance">Whose data and secrets folders are used.</param>
    /// <param name="tls">Opened before: other hosts are called under it.</param>
    /// <param name="services">Store, started cache, clock.</param>
    /// <param name="audit">For refusals.</param>
    /// <param name="sweeper">Gets the sweep of ended sessions.</param>
    /// <param name="loggers">For this room.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="ProblemException">A key is damaged.</exception>
    public static async Task<AuthRoom> OpenAsync(
        Instance instance, TlsIdentity tls, ApiServices services, AuditLog audit, Sweeper sweeper, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var passwords = new Passwords();
        var upkeep = new SessionUpkeep(services.Store, services.Cache, services.Time, loggers.CreateLogger<SessionUpkeep>());
        sweeper.Register("sessions", upkeep.SweepAsync);
        var denials = new DenialAudit(services.Store, audit, services.Time, loggers.CreateLogger<DenialAudit>());
        string? password = await FirstAdmin.EnsureAsync(
            services.Store, services.Cache.Snapshot, passwords, instance.DataDirectory, services.Time, cancellationToken);
        return new AuthRoom(passwords, Path.Combine(instance.DataDirectory, FirstAdmin.PasswordFile), services.Time)
        {
            Authentication = new Authentication(services.Cache, upkeep, denials, services.Time),
            Tls = tls,
            Secrets = SecretBox.Open(Path.Combine(instance.SecretsDirectory, "box.key")),
            FirstPassword = password,
        };
    }

    public void Map(ApiRoutes api)
    {
        new SessionEndpoints(_passwords, _throttle, _time).Map(api);
        new UserEndpoints(_passwords, _throttle, _firstPasswordFile, _time).Map(api);
        new TokenEndpoints(_time).Map(api);
        BindingEndpoints.Map(api);
        ViewEndpoints.Map(api);
        CaEndpoints.Map(api, Tls);
        new CertificateEndpoints(Tls, _time).Map(api);
    }

    /// <summary>Listens with TLS (1.2 or newer, HTTP/1.1 and 2) under the certificate that is current at each handshake.</summary>
    public void Listen(KestrelServerOptions kestrel, IPEndPoint address) => kestrel.Listen(address, listen =>
    {
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = connection => ValueTask.FromResult(Tls.ServerOptions(connection.ClientHelloInfo.ServerName)) });
    });

    public void Dispose()
    {
        _passwords.Dispose();
        Secrets.Dispose();
    }
}
