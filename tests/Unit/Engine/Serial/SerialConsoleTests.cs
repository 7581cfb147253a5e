using System.Text;
using Lamina.Engine.Serial;
using Lamina.Testing.Engine;

namespace Lamina.Tests.Unit.Engine.Serial;

public class SerialConsoleTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_client_sees_the_output_and_only_those_who_ask_the_history()
    {
        var console = new SerialConsole();
        var (near, far) = DuplexStream.Pair();
        var pumping = console.PumpAsync(near, Token);
        var first = console.Attach(withHistory: true);
        await WriteAsync(far, "one");
        Assert.Equal("one", await ReadAsync(first, 3));
        var late = console.Attach(withHistory: false);
        var curious = console.Attach(withHistory: true);
        await WriteAsync(far, "two");
        Assert.Equal("two", await ReadAsync(first, 3));
        Assert.Equal("two", await ReadAsync(late, 3));
        Assert.Equal("onetwo", await ReadAsync(curious, 6));
        Assert.Equal("onetwo", Encoding.ASCII.GetString(console.History()));
        await far.DisposeAsync();
        await pumping;
    }

    [Fact]
    public async Task A_slow_client_misses_the_oldest_and_knows_how_much()
    {
        var console = new SerialConsole(capacity: 4);
        var (near, far) = DuplexStream.Pair();
        var slow = console.Attach(withHistory: true);
        var pumping = console.PumpAsync(near, Token);
        await WriteAsync(far, "abcdefg");
        await far.DisposeAsync();
        await pumping;
        Assert.Equal("defg", await ReadAsync(slow, 4));
        Assert.Equal(3, slow.SkippedBytes);
    }

    [Fact]
    public async Task What_is_typed_reaches_the_line_whoever_types()
    {
        var console = new SerialConsole();
        var (near, far) = DuplexStream.Pair();
        await Assert.ThrowsAsync<IOException>(() => console.Attach(withHistory: true).WriteAsync("x"u8.ToArray(), Token).AsTask());
        var pumping = console.PumpAsync(near, Token);
        Assert.True(console.IsConnected);
        await console.Attach(withHistory: true).WriteAsync("ab"u8.ToArray(), Token);
        await console.Attach(withHistory: true).WriteAsync("c"u8.ToArray(), Token);
        await near.FlushAsync(Token);
        var typed = new byte[3];
        await far.ReadExactlyAsync(typed, Token);
        Assert.Equal("abc", Encoding.ASCII.GetString(typed));
        await far.DisposeAsync();
        await pumping;
        Assert.False(console.IsConnected);
    }

    [Fact]
    public async Task A_line_that_comes_back_goes_on_where_the_history_ended()
    {
        var console = new SerialConsole();
        foreach (var part in new[] { "before ", "after" })
        {
            var (near, far) = DuplexStream.Pair();
            await WriteAsync(far, part);
            await far.DisposeAsync();
            await console.PumpAsync(near, Token);
        }
        Assert.Equal("before after", Encoding.ASCII.GetString(console.History()));
    }

    [Fact]
    public async Task The_end_comes_after_all_that_was_written()
    {
        var console = new SerialConsole();
        var client = console.Attach(withHistory: true);
        var (near, far) = DuplexStream.Pair();
        await WriteAsync(far, "bye");
        await far.DisposeAsync();
        await console.PumpAsync(near, Token);
        console.Complete();
        Assert.Equal("bye", await ReadAsync(client, 3));
        Assert.Equal(0, await client.ReadAsync(new byte[1], Token));
    }

    [Fact]
    public async Task A_waiting_client_can_leave()
    {
        var client = new SerialConsole().Attach(withHistory: true);
        using var leaving = new CancellationTokenSource();
        var reading = client.ReadAsync(new byte[1], leaving.Token).AsTask();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    private static async Task WriteAsync(Stream stream, string text)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes(text), Token);
        await stream.FlushAsync(Token);
    }

    private static async Task<string> ReadAsync(SerialClient client, int count)
    {
        var read = new List<byte>();
        var buffer = new byte[count];
        while (read.Count < count) read.AddRange(buffer[..await client.ReadAsync(buffer.AsMemory(0, count - read.Count), Token)]);
        return Encoding.ASCII.GetString([.. read]);
    }
}
