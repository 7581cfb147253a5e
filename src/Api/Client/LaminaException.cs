namespace Lamina.Api.Client;

/// <summary>The daemon refused; <see cref="Problem"/> is what it said, for people and (by its code) for programs.</summary>
public sealed class LaminaException(Problem problem) : Exception(problem.Detail ?? problem.Title)
{
    public Problem Problem { get; } = problem;
}

/// <summary>The daemon could not be reached, or the line broke and trying again did not help. The message names the server and the remedy.</summary>
public sealed class LaminaUnreachableException(string message, Exception? cause = null) : IOException(message, cause);
