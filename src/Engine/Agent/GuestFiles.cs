namespace Lamina.Engine.Agent;

/// <summary>
/// Files copied into and out of a guest by its agent, piece by piece, so that other requests come in between. The agent may be hostile: what it answers is
/// bounded piece by piece and in all, and a file that does not advance is given up.
/// </summary>
public static class GuestFiles
{
    /// <summary>In base64 it stays below what the agent's ordinary answer may have.</summary>
    public const int PieceBytes = 128 * 1024;

    private const int MostEmptyPieces = 3;
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);

    /// <summary>Copies a stream into a file of the guest, which is made, or cut to nothing first.</summary>
    /// <returns>How many bytes.</returns>
    /// <exception cref="GuestAgentErrorException">The guest refused: no such folder, no room.</exception>
    /// <exception cref="GuestAgentUnavailableException">No agent, or one that speaks nonsense.</exception>
    public static async Task<long> PushAsync(GuestAgent agent, string path, Stream content, CancellationToken cancellationToken)
    {
        var handle = await agent.OpenFileAsync(path, "w", cancellationToken);
        var buffer = new byte[PieceBytes];
        long sent = 0;
        try
        {
            while (await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken) is > 0 and var count)
            {
                await WriteAsync(agent, handle, buffer.AsMemory(0, count), cancellationToken);
                sent += count;
            }
        }
        catch
        {
            await CloseQuietlyAsync(agent, handle);
            throw;
        }
        // The last bytes may be refused only now.
        await agent.CloseFileAsync(handle, cancellationToken);
        return sent;
    }

    /// <summary>Copies a file of the guest into a stream.</summary>
    /// <param name="agent">The guest's.</param>
    /// <param name="path">In the guest.</param>
    /// <param name="maxBytes">A longer file is given up: a guest can make up one without end.</param>
    /// <param name="opened">Called when the file is open: whether it is there is known then.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>How many bytes.</returns>
    /// <exception cref="GuestAgentErrorException">The guest refused: no such file, a folder.</exception>
    /// <exception cref="GuestAgentUnavailableException">No agent, or one that speaks nonsense.</exception>
    public static async Task<long> PullAsync(GuestAgent agent, string path, long maxBytes, Action opened, Stream destination,
        CancellationToken cancellationToken)
    {
        var handle = await agent.OpenFileAsync(path, "r", cancellationToken);
        try
        {
            opened();
            long come = 0;
            for (var empty = 0; ;)
            {
                var piece = await agent.ReadFileAsync(handle, PieceBytes, cancellationToken);
                if (piece.Bytes.Length > PieceBytes) throw Nonsense("more than it was asked for");
                come += piece.Bytes.Length;
                if (come > maxBytes) throw Nonsense($"a file of more than {maxBytes} bytes");
                await destination.WriteAsync(piece.Bytes, cancellationToken);
                if (piece.Eof) return come;
                empty = piece.Bytes.Length == 0 ? empty + 1 : 0;
                if (empty > MostEmptyPieces) throw Nonsense("nothing again and again, and no end of the file");
            }
        }
        finally
        {
            await CloseQuietlyAsync(agent, handle);
        }
    }

    private static async Task WriteAsync(GuestAgent agent, long handle, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (bytes.Length > 0)
        {
            var written = (await agent.WriteFileAsync(handle, bytes, cancellationToken)).Count;
            if (written <= 0 || written > bytes.Length) throw Nonsense($"that it wrote {written} of {bytes.Length} bytes");
            bytes = bytes[(int)written..];
        }
    }

    private static async Task CloseQuietlyAsync(GuestAgent agent, long handle)
    {
        try
        {
            using var deadline = new CancellationTokenSource(ClosePatience);
            await agent.CloseFileAsync(handle, deadline.Token);
        }
        catch (Exception gone) when (gone is GuestAgentUnavailableException or GuestAgentErrorException or OperationCanceledException)
        {
            // The agent closes what it holds when it ends.
        }
    }

    private static GuestAgentUnavailableException Nonsense(string what) => new($"The guest agent answered {what}.");
}
