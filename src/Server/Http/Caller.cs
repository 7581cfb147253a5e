namespace Lamina.Server.Http;

/// <summary>Who makes a request, as Auth found it; earlier rooms only ask what the caller may.</summary>
internal sealed class Caller(string subject, string? remoteAddress, Func<Permission, string?, bool> allows)
{
    /// <summary>The subject of a request that showed nothing.</summary>
    public const string AnonymousSubject = "anonymous";

    /// <summary>For endpoints without authentication.</summary>
    public static Caller Anonymous(string? remoteAddress) => new(AnonymousSubject, remoteAddress, static (_, _) => false);

    /// <summary><c>user:admin</c>, <c>token:ci</c>, <c>local:0</c>, <c>anonymous</c>: what audit and operations record.</summary>
    public string Subject { get; } = subject;

    /// <summary>Null on the local socket.</summary>
    public string? RemoteAddress { get; } = remoteAddress;

    /// <summary>Whether the caller has the permission in a project; null asks for the whole installation.</summary>
    public bool May(Permission permission, string? project = null) => allows(permission, project);
}
