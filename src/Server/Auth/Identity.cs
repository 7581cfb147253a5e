using Lamina.Api;

namespace Lamina.Server.Auth;

/// <summary>Who is behind a request.</summary>
/// <param name="Subject">As audited: <c>user:admin</c>, <c>token:ci</c>, <c>local:0</c>.</param>
/// <param name="Rights">At this revision of the store.</param>
internal sealed record Identity(string Subject, Rights Rights)
{
    /// <summary>The session that the request came with; null for tokens and the local socket.</summary>
    public (string Id, SessionRecord Record)? Session { get; init; }

    /// <summary>The user's name; null on the local socket and for tokens made there.</summary>
    public string? User { get; init; }

    public bool IsToken => Subject.StartsWith(Subjects.TokenPrefix, StringComparison.Ordinal);
}

/// <summary>The names of subjects.</summary>
internal static class Subjects
{
    public const string UserPrefix = "user:";
    public const string TokenPrefix = "token:";
    public const string LocalPrefix = "local:";

    public static string User(string name) => UserPrefix + name;

    public static string Token(string name) => TokenPrefix + name;

    public static string Local(uint uid) => $"{LocalPrefix}{uid}";
}
