using System.Threading.Channels;

namespace Lamina.Server.Images;

/// <summary>
/// The uids under which tools read foreign files, one per tool at a time, so that two of them cannot reach each other. As many as there are uids
/// run at once; further ones wait.
/// </summary>
internal sealed class WorkerUsers
{
    private readonly Channel<uint> _free = Channel.CreateUnbounded<uint>();

    /// <param name="userIds">They own nothing and run nothing else.</param>
    public WorkerUsers(IEnumerable<uint> userIds)
    {
        foreach (var id in userIds) _free.Writer.TryWrite(id);
    }

    /// <summary>Waits for a free uid; disposing gives it back.</summary>
    public async ValueTask<Rented> RentAsync(CancellationToken cancellation) => new(_free.Writer, await _free.Reader.ReadAsync(cancellation));

    internal readonly struct Rented(ChannelWriter<uint> back, uint userId) : IDisposable
    {
        public uint UserId { get; } = userId;

        public void Dispose() => back.TryWrite(UserId);
    }
}
