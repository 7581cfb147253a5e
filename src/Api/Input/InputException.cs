namespace Lamina.Api.Input;

/// <summary>An input that breaks rules: all of them at once. The API answers 400 <c>input.invalid</c> with the list.</summary>
public sealed class InputException(IReadOnlyList<InputProblem> problems) : Exception(Describe(problems))
{
    public IReadOnlyList<InputProblem> Problems { get; } = problems;

    private static string Describe(IReadOnlyList<InputProblem> problems) =>
        string.Join("; ", problems.Select(problem => $"{problem.Path}: {problem.Message}"));
}
