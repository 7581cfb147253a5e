using Lamina.Api;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>Two hosts over one store, joined by a wire.</summary>
internal sealed class HostPair : IAsyncDisposable
{
    public static readonly VmCreate Small = new() { Name = "web1", MemoryMiB = 256, Nics = [], Disks = [new VmDiskCreate { SizeBytes = 1 << 20 }] };

    public required FakeWire Wire { get; init; }
    public required FakeEngine FirstEngine { get; init; }
    public required FakeEngine SecondEngine { get; init; }
    public required VmTestHost First { get; init; }
    public required VmTestHost Second { get; init; }

    public static async Task<HostPair> CreateAsync(Func<IStore, MortalStore>? second = null)
    {
        var wire = new FakeWire();
        var (firstEngine, secondEngine) = (new FakeEngine { Wire = wire }, new FakeEngine { Wire = wire });
        var first = await VmTestHost.CreateAsync(firstEngine);
        return new HostPair { Wire = wire, FirstEngine = firstEngine, SecondEngine = secondEngine, First = first, Second = await first.AddAsync(secondEngine, second) };
    }

    /// <summary>A guest that runs on the first host.</summary>
    public async Task<string> LaunchAsync(VmCreate? create = null)
    {
        return await Second.LaunchOnAsync(First, create ?? Small);
    }

    /// <summary>A running guest on its way to the second host, held in a phase.</summary>
    public async Task<(string Id, FakeGuest Guest, string Operation)> HoldAsync(MigrationPhase phase)
    {
        string id = await LaunchAsync();
        var guest = FirstEngine.Guest(Guid.Parse(id));
        guest.HoldMigrationAt(phase);
        string operation = await First.MigrateAsync(id, Second);
        await guest.ReachedAsync(phase, TestContext.Current.CancellationToken);
        return (id, guest, operation);
    }

    public static async Task SucceedAsync(VmTestHost host, string operation)
    {
        var ended = await host.EndOfAsync(operation);
        Assert.True(ended.Phase == OperationPhase.Succeeded, $"{ended.Phase}: {ended.Failure?.Message}");
    }

    /// <summary>One instance runs, where the store says, and nothing of the hand-over is left.</summary>
    public async Task AssertAtRestAsync(string id, VmTestHost owner, long epoch)
    {
        await owner.WaitForAsync([Keys.Vms.Handover], snapshot => snapshot.Get(Keys.Vms.Handover, id) is null);
        var status = await owner.StatusAsync(id, status => status.State == VmState.Running && status.Epoch == epoch);
        Assert.Equal(owner.Id, status.Host);
        var assignment = owner.Cache.Snapshot.Get(Keys.Vms.Assignment, id)!.Record;
        Assert.Equal((owner.Id, epoch), (assignment.Host, assignment.Epoch));
        await EndsAsync(id, owner == First ? SecondEngine : FirstEngine);
        var guest = Assert.Single((owner == First ? FirstEngine : SecondEngine).Guests, guest => guest.IsAlive && guest.Definition.Id == Guid.Parse(id));
        Assert.Equal((RunState.Running, epoch), (guest.State, guest.Definition.Epoch));
        Assert.Empty(Wire.Doubled);
    }

    /// <summary>The other host's process ends a moment after the record.</summary>
    public static async Task EndsAsync(string id, FakeEngine other)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        foreach (var guest in other.Guests.Where(guest => guest.Definition.Id == Guid.Parse(id)).ToList()) await guest.Ended.WaitAsync(deadline.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await Second.DisposeAsync();
        await First.DisposeAsync();
    }
}
