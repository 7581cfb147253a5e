using System.Text;
using System.Threading.Channels;
using Lamina.Engine;
using Lamina.Engine.Serial;

namespace Lamina.Testing.Engine;

/// <summary>Waits for what a guest does, never for the clock. Deadlines are in the token.</summary>
public static class Waiting
{
    /// <summary>Reads events up to the first of this kind; those before it are dropped.</summary>
    /// <exception cref="ChannelClosedException">The run ended without one.</exception>
    public static async Task<TEvent> NextAsync<TEvent>(this ChannelReader<VmEvent> events, CancellationToken cancellationToken)
        where TEvent : VmEvent
    {
        while (true)
            if (await events.ReadAsync(cancellationToken) is TEvent wanted) return wanted;
    }

    /// <summary>Reads the line, its history first if wanted, until the text has come; returns all that was read.</summary>
    /// <exception cref="EndOfStreamException">The VM ended first.</exception>
    public static async Task<string> WaitForAsync(this SerialConsole serial, string text, CancellationToken cancellationToken, bool withHistory = true)
    {
        var client = serial.Attach(withHistory);
        return await client.WaitForAsync(text, cancellationToken);
    }

    /// <summary>As above, from where this client stands.</summary>
    public static async Task<string> WaitForAsync(this SerialClient client, string text, CancellationToken cancellationToken)
    {
        var read = new StringBuilder();
        var buffer = new byte[4096];
        while (!read.ToString().Contains(text, StringComparison.Ordinal))
        {
            int count;
            try
            {
                count = await client.ReadAsync(buffer, cancellationToken);
            }
            catch (OperationCanceledException exception)
            {
                throw new TimeoutException($"\"{text}\" did not come on the serial line. What came: {read}", exception);
            }
            if (count == 0) throw new EndOfStreamException($"the VM ended before \"{text}\" came on its serial line. What came: {read}");
            read.Append(Encoding.UTF8.GetString(buffer, 0, count));
        }
        return read.ToString();
    }
}
