using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Lamina.Tests.Unit.Migration;

namespace Lamina.Tests.Unit.Vms;

/// <summary>Hands that want the same VM.</summary>
public sealed class VmHoldTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OneThatComesWhileAnotherHasTheVmGetsItWhenThatLetsGo()
    {
        await using var host = await VmTestHost.CreateAsync(new FakeEngine());
        string id = await host.LaunchAsync(HostPair.Small);
        var (first, second) = (new Hand(), new Hand());
        var holding = host.Vms.HoldAsync(id, first, Cancellation);
        await first.Has.WaitAsync(Patience, Cancellation);
        var waiting = host.Vms.HoldAsync(id, second, Cancellation);
        // A further message, so that the one before is known to be taken in.
        await host.Vms.CutPowerAsync(id).WaitAsync(Patience, Cancellation);
        Assert.False(second.Has.IsCompleted);

        first.LetGo();
        await holding.WaitAsync(Patience, Cancellation);
        await second.Has.WaitAsync(Patience, Cancellation);
        second.LetGo();
        await waiting.WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task ADaemonThatStopsDoesNotWaitForAHandThatHasNotGotItsVm()
    {
        await using var host = await VmTestHost.CreateAsync(new FakeEngine());
        string id = await host.LaunchAsync(HostPair.Small);
        var first = new Hand();
        var holding = host.Vms.HoldAsync(id, first, Cancellation);
        await first.Has.WaitAsync(Patience, Cancellation);
        using var stop = new CancellationTokenSource();
        var waiting = host.Vms.HoldAsync(id, new Hand(), stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Patience, Cancellation));
        first.LetGo();
        await holding.WaitAsync(Patience, Cancellation);
    }

    private sealed class Hand : IVmHand
    {
        private readonly TaskCompletionSource _has = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _letsGo = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Has => _has.Task;

        public void LetGo() => _letsGo.TrySetResult();

        public async Task RunAsync(HeldVm vm, CancellationToken stopping)
        {
            _has.TrySetResult();
            await _letsGo.Task.WaitAsync(stopping);
        }
    }
}
