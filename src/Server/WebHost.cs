using System.Net;
using System.Net.Sockets;
using Lamina.Api;
using Lamina.Server.Http;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lamina.Server;

/// <summary>ASP.NET Core as we use it: Kestrel, routing, logging, OpenAPI; nothing is found by reflection.</summary>
internal static class WebHost
{
    /// <summary>Requests under way may end; what takes longer is cut off.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(5);

    /// <param name="loggers">The daemon's.</param>
    /// <param name="listen">Opens the sockets, at the start.</param>
    public static WebApplication Build(ILoggerFactory loggers, Action<KestrelServerOptions> listen)
    {
        // Empty: the other builders read appsettings.json and watch every folder below the content root for it. What counts is lamina.yaml.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = Environments.Production });
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(loggers);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopPatience);
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        builder.Services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default));
        builder.Services.AddResponseCompression(options =>
        {
            options.EnableForHttps = true;
            options.MimeTypes = ["application/json"];
            options.Providers.Add<GzipCompressionProvider>();
        });
        OpenApiDescription.Add(builder.Services);
        Listen(builder, listen);
        return builder.Build();
    }

    /// <exception cref="ProblemException">An address is not ours or in use.</exception>
    public static async Task StartAsync(WebApplication app, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception refused) when (refused is IOException or SocketException)
        {
            throw new ProblemException(
                ProblemKind.Conflict, "api.addressRefused", $"The API cannot listen: {refused.Message}", "See 'api.addresses' and 'api.port' in lamina.yaml, and which program has that port.", refused);
        }
    }

    /// <param name="configuration">Null: nothing was configured.</param>
    /// <param name="instance">Whose port it is.</param>
    /// <param name="clusterAddresses">By which other hosts reach this one, and people then too unless the configuration says otherwise; empty: it is alone.</param>
    public static IEnumerable<IPEndPoint> AddressesOf(ApiConfiguration? configuration, Instance instance, IReadOnlyList<string> clusterAddresses)
    {
        int port = configuration?.Port ?? instance.ApiPort;
        var addresses = configuration?.Addresses ?? ["127.0.0.1", .. clusterAddresses];
        return addresses.Select(address => new IPEndPoint(IPAddress.Parse(address), port));
    }

    /// <summary>The first address served over TLS.</summary>
    public static Uri AddressOf(WebApplication app) =>
        new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First(address => address.StartsWith("https:", StringComparison.Ordinal)));

    private static void Listen(WebApplicationBuilder builder, Action<KestrelServerOptions> listen)
    {
        builder.WebHost.UseKestrelCore();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Uploads and streams bound themselves; every other body by its endpoint.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxConcurrentConnections = 10_000;
            listen(kestrel);
        });
    }

    /// <summary>Signals are <see cref="Laminad"/>'s: a second handler would stop Kestrel before the rooms.</summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
