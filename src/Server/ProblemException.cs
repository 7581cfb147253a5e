using Lamina.Api;

namespace Lamina.Server;

/// <summary>What sort of failure: <c>Http/ProblemAnswers.cs</c> gives each its status, the CLI each its exit code.</summary>
internal enum ProblemKind
{
    /// <summary>The request makes no sense whatever the state is.</summary>
    Invalid,
    Unauthenticated,
    Denied,
    NotFound,

    /// <summary>The state of the object forbids it now (running, name taken, in use).</summary>
    Conflict,

    /// <summary>If-Match named another revision.</summary>
    PreconditionFailed,
    TooLarge,
    UnsupportedMedia,

    /// <summary>Understood, but cannot be done: more memory than the host has, an image larger than the disk.</summary>
    Unprocessable,
    TooManyRequests,

    /// <summary>A fault of ours or of the host.</summary>
    Internal,

    /// <summary>Not now: no store, still starting.</summary>
    Unavailable,
    NoSpace,
}

/// <summary>A refusal or failure with a stable code, said in words that name the object, the reason and the remedy.</summary>
/// <param name="kind">Decides the HTTP status.</param>
/// <param name="code">Noun and rule, stable for scripts: <c>vm.notFound</c>, <c>name.taken</c>.</param>
/// <param name="message">Names the object and the reason.</param>
/// <param name="remedy">What to do.</param>
/// <param name="cause">For the log only.</param>
internal sealed class ProblemException(ProblemKind kind, string code, string message, string? remedy = null, Exception? cause = null)
    : Exception(message, cause)
{
    public ProblemKind Kind { get; } = kind;

    public string Code { get; } = code;

    public string? Remedy { get; } = remedy;

    /// <summary>The same as a record keeps it (in an operation or a status).</summary>
    public Failure ToFailure() => new() { Code = Code, Message = Message, Remedy = Remedy };

    public static ProblemException NotFound(string noun, string name, string project) => new(
        ProblemKind.NotFound, $"{noun}.notFound", $"There is no {Words(noun)} '{name}' in project '{project}'.", $"List what there is with 'lamina {Words(noun)} list'.");

    public static ProblemException NameTaken(string noun, string name, string project) => new(
        ProblemKind.Conflict, "name.taken", $"Project '{project}' already has a {Words(noun)} '{name}'.", "Choose another name.");

    public static ProblemException Conflict(string code, string message, string? remedy = null) =>
        new(ProblemKind.Conflict, code, message, remedy);

    /// <summary><c>firewallGroup</c> as people write it, and as the command line has it: <c>firewall group</c>.</summary>
    private static string Words(string noun) => string.Concat(noun.Select(letter => char.IsUpper(letter) ? $" {char.ToLowerInvariant(letter)}" : letter.ToString()));
}
