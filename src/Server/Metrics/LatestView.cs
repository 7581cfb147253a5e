using System.Threading.Channels;

namespace Lamina.Server.Metrics;

/// <summary>Brings each new sample to one that takes its time with it: whoever samples never waits, and of several samples the last counts.</summary>
/// <param name="keep">What is done with a sample.</param>
/// <param name="failed">Told of what went wrong with one; the next is tried all the same.</param>
internal sealed class LatestView(Func<MetricView, CancellationToken, Task> keep, Action<Exception> failed)
{
    private readonly Channel<MetricView> _views = Channel.CreateBounded<MetricView>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>From any thread; never waits.</summary>
    public void Look(MetricView view) => _views.Writer.TryWrite(view);

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await foreach (var view in _views.Reader.ReadAllAsync(cancellationToken))
        {
            try
            {
                await keep(view, cancellationToken);
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                failed(failure);
            }
        }
    }
}
