namespace Lamina.Api.Input;

/// <summary>Collects every problem of one input, so that a person learns of all of them at once.</summary>
public sealed class InputProblems
{
    private readonly List<InputProblem> _found = [];

    public IReadOnlyList<InputProblem> Found => _found;

    public bool Any => _found.Count > 0;

    /// <param name="path">Where, from the root: <c>$.disks[0].sizeBytes</c>.</param>
    /// <param name="code">Which rule, stable: <c>value.outOfRange</c>.</param>
    /// <param name="message">In words, with what to write instead.</param>
    public void Add(string path, string code, string message) =>
        _found.Add(new InputProblem { Path = path, Code = code, Message = message });

    /// <exception cref="InputException">When there is at least one problem.</exception>
    public void ThrowIfAny()
    {
        if (Any) throw new InputException([.. _found]);
    }
}
