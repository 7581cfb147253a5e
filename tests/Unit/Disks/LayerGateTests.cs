using CsCheck;
using Lamina.Server.Disks;

namespace Lamina.Tests.Unit.Disks;

public class LayerGateTests
{
    [Fact]
    public async Task Readers_share_and_a_change_waits_for_them_all()
    {
        var gate = new LayerGate();
        var one = await gate.ReadAsync(["a", "b"], CancellationToken.None);
        var two = await gate.ReadAsync(["a"], CancellationToken.None);
        var change = gate.ChangeAsync(["a"], CancellationToken.None);
        using var other = await gate.ChangeAsync(["c"], CancellationToken.None);
        one.Dispose();
        one.Dispose();
        Assert.False(change.IsCompleted);
        two.Dispose();
        var passed = await change;
        var reader = gate.ReadAsync(["b", "a"], CancellationToken.None);
        Assert.False(reader.IsCompleted);
        passed.Dispose();
        (await reader).Dispose();
    }

    [Fact]
    public async Task Whoever_gives_up_holds_nothing()
    {
        var gate = new LayerGate();
        using var reading = await gate.ReadAsync(["a"], CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var change = gate.ChangeAsync(["a", "b"], stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => change);
        (await gate.ChangeAsync(["b"], CancellationToken.None)).Dispose();
    }

    /// <summary>Whatever comes and goes in whichever order, a disk is never read and changed at once, and nobody is forgotten.</summary>
    [Fact]
    public async Task Nothing_is_read_and_changed_at_once() =>
        await Gen.Select(Gen.Bool, Gen.Int[0, 3].Array[1, 3], Gen.Int[0, 3]).Array[1, 24].SampleAsync(async comers =>
        {
            var gate = new LayerGate();
            var readers = new int[4];
            var changers = new int[4];
            await Task.WhenAll(comers.Select(comer => Task.Run(async () =>
            {
                var (change, disks, turns) = comer;
                int[] distinct = [.. disks.Distinct()];
                string[] names = [.. distinct.Select(disk => $"d{disk}")];
                using var pass = change ? await gate.ChangeAsync(names, CancellationToken.None) : await gate.ReadAsync(names, CancellationToken.None);
                foreach (int disk in distinct)
                {
                    int now = Interlocked.Increment(ref (change ? changers : readers)[disk]);
                    Assert.Equal(0, Volatile.Read(ref (change ? readers : changers)[disk]));
                    if (change) Assert.Equal(1, now);
                }

                for (int turn = 0; turn < turns; turn++) await Task.Yield();
                foreach (int disk in distinct) Interlocked.Decrement(ref (change ? changers : readers)[disk]);
            })));
        }, iter: 200);
}
