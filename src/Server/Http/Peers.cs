namespace Lamina.Server.Http;

/// <summary>How another member of the cluster is reached.</summary>
/// <param name="Invoker">Speaks mutual TLS and checks that it is that member; not disposed by who uses it.</param>
/// <param name="Base">Scheme, address and port of its peer listener.</param>
internal sealed record PeerAddress(HttpMessageInvoker Invoker, Uri Base);

/// <summary>
/// The way to other members by the id of their host. The last room of the daemon fills it; without it there are no others, as on a single host.
/// </summary>
internal sealed class PeerDirectory
{
    private Func<string, PeerAddress?> _resolve = _ => null;

    /// <summary>Says who finds them from now on.</summary>
    /// <param name="resolve">Null: there is no such member, or it has no address.</param>
    public void Use(Func<string, PeerAddress?> resolve) => Volatile.Write(ref _resolve, resolve);

    public PeerAddress? Find(string hostId) => Volatile.Read(ref _resolve)(hostId);
}

/// <summary>
/// The member that makes a request, proved by its certificate; a feature of the request or of its connection, set before <c>Auth</c> looks. What members
/// alone may say (<see cref="PeerHeaders"/>) is believed of such requests only.
/// </summary>
internal sealed record PeerCaller(string HostId)
{
    public static PeerCaller? Of(HttpContext http) => http.Features.Get<PeerCaller>();
}

/// <summary>What a member says of a request that it carries on (decision 22).</summary>
internal static class PeerHeaders
{
    /// <summary>Subject of the caller; absent: nobody has logged in.</summary>
    public const string Caller = "Lamina-Caller";

    /// <summary>Id of the caller's session, so that what it opened ends with it; absent: there is none.</summary>
    public const string Session = "Lamina-Caller-Session";

    /// <summary>Id of the member that was asked first: a request is carried on once.</summary>
    public const string CarriedBy = "Lamina-Carried-By";

    /// <summary>Which member has answered, on answers that were carried.</summary>
    public const string AnsweredBy = "Lamina-Host";
}
