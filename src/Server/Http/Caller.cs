namespace Lamina.Server.Http;

/// <summary>
/// Who asks. Auth's middleware puts it on each request with <see cref="Set"/>; Http only asks it. Without one, a request is <see cref="Anonymous"/>.
/// </summary>
/// <param name="subject"><c>user:admin</c>, <c>token:ci</c>, <c>local:0</c> (the uid on the local socket).</param>
/// <param name="may">
/// Decides for a permission in a project. Null stands for what belongs to the whole installation: there <see cref="Permission.View"/> is had
/// by whoever views any project, the higher ones only by a role in scope <c>*</c>.
/// </param>
internal sealed class Caller(string subject, Func<Permission, string?, bool> may)
{
    public static Caller Anonymous { get; } = new("anonymous", (_, _) => false);

    public string Subject { get; } = subject;

    /// <summary>Id of the session that the request came with; null: none.</summary>
    public string? Session { get; init; }

    public bool IsAnonymous => ReferenceEquals(this, Anonymous);

    public bool May(Permission permission, string? project) =>
        permission == Permission.Public || (!IsAnonymous && (permission == Permission.SignedIn || may(permission, project)));

    public static void Set(HttpContext http, Caller caller) => http.Features.Set(caller);

    public static Caller Of(HttpContext http) => http.Features.Get<Caller>() ?? Anonymous;

    /// <exception cref="ProblemException">401 when nobody is logged in, else 403.</exception>
    public void Require(Permission permission, string? project)
    {
        if (May(permission, project)) return;
        if (IsAnonymous) throw new ProblemException(
            ProblemKind.Unauthenticated, "auth.required", "This needs a log-in.", "Log in with 'lamina login', or send a token as 'Authorization: Bearer …'.");
        string where = project is null ? "this installation" : $"project '{project}'";
        string role = permission switch
        {
            Permission.View => "viewer",
            Permission.Operate => "operator",
            _ => "admin",
        };
        throw new ProblemException(ProblemKind.Denied, "auth.denied", $"{Subject} may not do this in {where}.", $"It takes the role {role} there; an admin can give it.");
    }
}
