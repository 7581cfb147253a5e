using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Testing.Checker;

namespace Lamina.Testing.Bed;

/// <summary>A checker guest at rest, and where it is to go.</summary>
internal sealed record BedMove(Vm Vm, BedHost To)
{
    public long? BytesPerSecond { get; init; }

    /// <summary>Its disk goes along.</summary>
    public bool WithStorage => Vm.Spec.Tags.Contains(BedGuests.LocalTag);
}

/// <summary>When the fault strikes, and for how long.</summary>
internal sealed record BedStrike(BedFault Fault, BedHost Any, TimeSpan After, TimeSpan For);

/// <summary>What became of a migration to which something happened.</summary>
internal sealed record BedResult
{
    public required string Fault { get; init; }

    public required string Vm { get; init; }

    public required string From { get; init; }

    public required string To { get; init; }

    public required bool WithStorage { get; init; }

    public OperationPhase? Phase { get; init; }

    public string? Failure { get; init; }

    /// <summary>The guest's longest silence.</summary>
    public TimeSpan Gap { get; init; }

    public bool BeganAnew { get; init; }

    /// <summary>What is wrong; null: all is right.</summary>
    public string? Wrong { get; init; }

    /// <summary>It did not come to rest.</summary>
    public bool IsStuck { get; init; }

    /// <summary>What the guest itself found.</summary>
    public IReadOnlyList<CheckerFinding> Findings { get; init; } = [];
}

/// <summary>Migrations that are asked for at once, and one fault: struck at a moment of the caller's choice at the hosts of the first of them, mended, and each judged when all is at rest.</summary>
internal sealed class BedTrial(ClusterBed bed, BedGuests guests, BedRelay relay, TimeSpan patience)
{
    public async Task<IReadOnlyList<BedResult>> RunAsync(IReadOnlyList<BedMove> moves, BedStrike strike, CancellationToken cancellation)
    {
        var begun = new List<Begun>();
        foreach (var move in moves) begun.Add(await BeginAsync(move, cancellation));
        var main = begun[0];
        var scene = new BedScene { Bed = bed, Guests = guests, Relay = relay, Vm = main.Move.Vm.Id, Operation = main.Operation.Id, From = main.From, To = main.Move.To, Any = strike.Any };
        await Task.Delay(strike.After, CancellationToken.None);
        try
        {
            await strike.Fault.StrikeAsync(scene);
            await Task.Delay(strike.For, CancellationToken.None);
        }
        catch (LaminaException)
        {
            // The operation had ended before it could be cancelled.
        }
        finally
        {
            await strike.Fault.MendAsync(scene);
        }

        return await Task.WhenAll(begun.Select(each => JudgeAsync(each, strike.Fault, strike.Fault.EndsGuest && each == main)));
    }

    private async Task<Begun> BeginAsync(BedMove move, CancellationToken cancellation)
    {
        var from = guests.ProcessesOf(move.Vm.Id).Single().Host;
        guests.Listener.Mark(move.Vm.Name);
        int runs = guests.Listener.Of(move.Vm.Name).Runs.Count;
        var body = new VmMigrate { To = move.To.Name, WithStorage = move.WithStorage, MaxBytesPerSecond = move.BytesPerSecond };
        return new Begun(move, from, runs, await guests.AskAsync(client => client.Vms.MigrateAsync(move.Vm.Id, body, cancellation)));
    }

    private async Task<BedResult> JudgeAsync(Begun begun, BedFault fault, bool mayBeginAnew)
    {
        var (move, from, runs, operation) = begun;
        var result = new BedResult { Fault = fault.Name, Vm = move.Vm.Name, From = from.Name, To = move.To.Name, WithStorage = move.WithStorage };
        try
        {
            var ended = await guests.EndOfAsync(operation, patience);
            result = result with { Phase = ended.State!.Phase, Failure = ended.State.Failure?.Code };
            var (host, record) = await guests.RestsAsync(move.Vm, mayBeginAnew ? runs + 1 : runs, patience);
            var expected = ended.State.Phase == OperationPhase.Succeeded ? move.To : from;
            string? wrong = host == expected ? null : $"the operation says {ended.State.Phase}, and the VM is on {host.Name}";
            return result with { Gap = record.LongestGap, BeganAnew = record.Runs.Count > runs, Wrong = wrong };
        }
        catch (Exception stuck) when (stuck is TimeoutException or OperationCanceledException)
        {
            return result with { Wrong = stuck.Message, IsStuck = true };
        }
        catch (CheckerException wrong)
        {
            return result with { Wrong = wrong.Message, Findings = guests.Listener.Of(move.Vm.Name).Findings };
        }
    }

    private sealed record Begun(BedMove Move, BedHost From, int Runs, Operation Operation);
}
