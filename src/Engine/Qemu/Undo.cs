namespace Lamina.Engine.Qemu;

/// <summary>
/// The undo of each step, written beside the step: <c>await using var undo</c>. Leaving the scope without <see cref="Keep"/> runs them,
/// last first. A step that fails to undo does not keep the others from it; the sweep finds what it left.
/// </summary>
internal sealed class Undo : IAsyncDisposable
{
    private readonly Stack<Func<Task>> _steps = new();

    public void Add(Func<Task> step) => _steps.Push(step);

    public void Add(Action step) => _steps.Push(() =>
    {
        step();
        return Task.CompletedTask;
    });

    /// <summary>All went well: nothing is undone.</summary>
    public void Keep() => _steps.Clear();

    public async ValueTask DisposeAsync()
    {
        while (_steps.TryPop(out var step))
        {
            try
            {
                await step();
            }
            catch (Exception exception) when (exception is IOException or TimeoutException or UnauthorizedAccessException)
            {
                // The first failure is on its way to the caller and says more than this one.
            }
        }
    }
}
