using Lamina.Server.Control;

namespace Lamina.Server.Http;

/// <summary>Somebody else committed first: the handler must decide anew on a state of at least this revision.</summary>
internal sealed class OvertakenException(long revision) : Exception("Somebody else was faster.")
{
    public long Revision { get; } = revision;
}

/// <summary>Turns a commit that was refused into words, or into another attempt.</summary>
internal static class Conflicts
{
    public static Exception Explain(CommitResult refused)
    {
        foreach (var conflict in refused.Conflicts)
        {
            // Whoever took the name won; deciding anew would only say the same.
            if (conflict.Kind == ConflictKind.AlreadyExists && Keys.Names.IdOf(conflict.Key)?.Split('/', 3) is [var project, var noun, var name])
                return ProblemException.NameTaken(noun, name, project);
        }

        return new OvertakenException(refused.Revision);
    }
}
