namespace Lamina.Api.Client;

/// <summary>Which daemon a <see cref="LaminaClient"/> speaks to, and as whom. Exactly one of <see cref="SocketPath"/> and <see cref="Address"/>.</summary>
public sealed record LaminaClientOptions
{
    public const int DefaultPort = 7443;

    /// <summary>The local socket, for example <c>/run/lamina/lamina.sock</c>; needs no token.</summary>
    public string? SocketPath { get; init; }

    /// <summary>For example <c>https://server:7443</c>.</summary>
    public Uri? Address { get; init; }

    /// <summary>The installation's CA as PEM (<see cref="CaPin.FetchAsync"/>); the server is then trusted by it and by nothing else.</summary>
    public string? CaPem { get; init; }

    /// <summary>Bearer token of a session or API token.</summary>
    public string? Token { get; init; }

    /// <summary>The project of lists, names and creations that name none.</summary>
    public string? Project { get; init; }

    /// <summary>Bound of one request without a stream; long jobs are operations and not bound by it.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(100);

    public string UserAgent { get; init; } = "lamina";

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
