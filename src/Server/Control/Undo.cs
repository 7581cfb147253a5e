namespace Lamina.Server.Control;

/// <summary>
/// The undo beside the step: <c>await using var undo = new Undo(logger);</c>, after each step <c>undo.Add(…)</c>, at the end
/// <c>undo.Succeeded()</c>. Without that last call, leaving the block undoes the steps, last first. It is the fast path only: after a crash
/// the sweep (<see cref="Sweeper"/>) finds what is left.
/// </summary>
/// <remarks>A step that cannot be undone is logged and kept in <see cref="Failures"/>; it never hides the failure that led here.</remarks>
internal sealed partial class Undo(ILogger logger) : IAsyncDisposable
{
    private readonly Stack<(string What, Func<ValueTask> Action)> _steps = new();
    private readonly List<Exception> _failures = [];
    private bool _succeeded;

    /// <summary>What could not be undone, in the order tried.</summary>
    public IReadOnlyList<Exception> Failures => _failures;

    /// <param name="what">In words, for the log: <c>remove the tap lm…</c>.</param>
    /// <param name="action">Undoes the step; should be safe when the step only half happened.</param>
    public void Add(string what, Func<ValueTask> action) => _steps.Push((what, action));

    public void Add(string what, Action action) => Add(what, () =>
    {
        action();
        return ValueTask.CompletedTask;
    });

    public void Succeeded() => _succeeded = true;

    public async ValueTask DisposeAsync()
    {
        if (_succeeded) return;
        while (_steps.TryPop(out var step))
        {
            try
            {
                await step.Action();
            }
            catch (Exception failure)
            {
                _failures.Add(failure);
                LogFailure(logger, step.What, failure);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Cannot undo a step, the sweep will find what is left: {What}")]
    private static partial void LogFailure(ILogger logger, string what, Exception failure);
}
