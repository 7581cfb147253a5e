using System.Text;
using CsCheck;
using Lamina.Engine.Qmp;
using Lamina.Testing.Engine;

namespace Lamina.Tests.Unit.Engine.Qmp;

/// <summary>Whatever a peer sends, in whatever pieces: the line either works or ends with a stated reason; it never hangs.</summary>
public class QmpFuzzTests
{
    private const int SmallLimit = 64;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static readonly Gen<string> Messages = Gen.OneOf(
        """{"event":"STOP"}""",
        """{"event":"RESET","data":{"guest":true,"reason":"guest-reset"}}""",
        """{"event":"VSERPORT_CHANGE","data":{"open":true,"id":"agent0"}}""");

    private static readonly Gen<byte[]> Garbage = Gen.OneOf(
        Gen.Byte.Array[0, 200],
        Gen.String[0, 60].Select(text => Encoding.UTF8.GetBytes(text + "\n")),
        Gen.OneOf("{", "}", "{\"return\":", "{}\n", "[[[[\n", "\"id\":1\n", "null\n", "\r\n", "\0\n", "{\"event\":\"X\"}\n",
            "{\"return\":{},\"id\":1}\n", "{\"id\":99999999999999999999,\"return\":{}}\n", "{\"error\":{},\"id\":1}\n")
            .Select(Encoding.UTF8.GetBytes));

    [Fact]
    public Task Messages_survive_any_split() =>
        Gen.Select(Messages.Array[1, 20], Gen.Int[1, 40].Array[1, 50]).SampleAsync(async (messages, cuts) =>
        {
            var (peer, client) = await QmpPeer.OpenAsync(CancellationToken.None);
            var bytes = Encoding.UTF8.GetBytes(string.Join("\r\n", messages) + "\r\n");
            var sent = 0;
            for (var i = 0; sent < bytes.Length; i++)
            {
                var length = Math.Min(cuts[i % cuts.Length], bytes.Length - sent);
                await peer.SendRawAsync(bytes.AsMemory(sent, length));
                sent += length;
            }
            peer.Hangup();
            var names = new List<string>();
            await foreach (var received in client.Events.ReadAllAsync()) names.Add(received.Name);
            Assert.Equal(messages.Select(message => message.Split('"')[3]), names);
            Assert.IsType<QmpClosedException>(await client.Closed);
        }, iter: 200);

    [Fact]
    public Task Garbage_ends_in_a_stated_reason() =>
        Garbage.Array[1, 8].SampleAsync(async pieces =>
        {
            var (peer, client) = await QmpPeer.OpenAsync(CancellationToken.None);
            var call = client.ExecuteAsync(QmpCommands.QueryStatus, QmpNothing.Instance, CancellationToken.None);
            foreach (var piece in pieces) await peer.SendRawAsync(piece);
            peer.Hangup();
            var reason = await client.Closed.WaitAsync(TimeSpan.FromSeconds(10));
            Assert.True(reason is QmpClosedException or QmpProtocolException, reason.ToString());
            var failure = await Assert.ThrowsAnyAsync<Exception>(() => call);
            Assert.True(failure is QmpClosedException or QmpProtocolException or QmpErrorException, failure.ToString());
        }, iter: 500);

    [Fact]
    public Task Lines_come_out_as_they_went_in_up_to_the_limit() =>
        Gen.Char['a', 'z'].Array[0, SmallLimit + 8].Select(characters => new string(characters)).Array[1, 12].SampleAsync(async lines =>
        {
            var (near, far) = DuplexStream.Pair();
            await using var stream = new LineStream(near);
            foreach (var line in lines) await far.WriteAsync(Encoding.ASCII.GetBytes(line + "\n"));
            await far.DisposeAsync();
            foreach (var expected in lines)
            {
                if (expected.Length > SmallLimit)
                {
                    await Assert.ThrowsAsync<QmpProtocolException>(() => stream.ReadLineAsync(SmallLimit, CancellationToken.None).AsTask());
                    return;
                }
                var line = await stream.ReadLineAsync(SmallLimit, CancellationToken.None);
                Assert.Equal(expected, Encoding.ASCII.GetString(line!.Value.Span));
            }
            Assert.Null(await stream.ReadLineAsync(SmallLimit, CancellationToken.None));
        }, iter: 300);

    [Fact]
    public async Task An_endless_line_is_cut_off_without_keeping_it()
    {
        var (near, far) = DuplexStream.Pair();
        await using var stream = new LineStream(near);
        var reading = stream.ReadLineAsync(100_000, Token).AsTask();
        var chunk = new byte[10_000];
        for (var i = 0; i < 20; i++) await far.WriteAsync(chunk, Token);
        await Assert.ThrowsAsync<QmpProtocolException>(() => reading.WaitAsync(TimeSpan.FromSeconds(10), Token));
    }

    [Fact]
    public async Task A_line_cut_in_the_middle_is_nonsense()
    {
        var (near, far) = DuplexStream.Pair();
        await using var stream = new LineStream(near);
        await far.WriteAsync("{\"event"u8.ToArray(), Token);
        await far.DisposeAsync();
        await Assert.ThrowsAsync<QmpProtocolException>(() => stream.ReadLineAsync(100_000, Token).AsTask());
    }
}
