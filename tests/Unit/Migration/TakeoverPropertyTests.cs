using CsCheck;
using Lamina.Server.Migration.Plan;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>Hosts are cut off, die and return in any order, and VMs are taken over on a person's word: none ever runs twice, and one runs in the end.</summary>
public class TakeoverPropertyTests
{
    private static readonly Gen<Mishap[]> GenMishaps = Gen.Frequency(
        (5, Gen.Const(Mishap.FirstActs)), (5, Gen.Const(Mishap.SecondActs)), (4, Gen.Const(Mishap.FirstReads)), (4, Gen.Const(Mishap.SecondReads)),
        (4, Gen.Const(Mishap.TakeOverAsked)), (4, Gen.Const(Mishap.PersonLooks)), (6, Gen.Enum<Mishap>())).Array[0, 60];

    [Fact]
    public void AVmRunsOnceWhateverHappens() => GenMishaps.Sample(mishaps => Assert.Null(WrongAfter(mishaps, new TakeoverRules())), iter: 20_000);

    public static TheoryData<string> Faults() => [.. SeededFaults.Keys];

    [Theory]
    [MemberData(nameof(Faults))]
    public void EachSeededFaultIsFound(string fault)
    {
        for (int attempt = 0; attempt < 300_000; attempt++)
        {
            if (WrongAfter(GenMishaps.Single(), SeededFaults[fault]) is not null) return;
        }

        Assert.Fail("The test of this class would not see it.");
    }

    private static readonly Dictionary<string, TakeoverRules> SeededFaults = new(StringComparer.Ordinal)
    {
        ["silence is taken for death"] = new() { Plan = seen => TakeoverPlan.Next(seen with { IsProved = true }) },
        ["old word counts against a host that lives"] = new() { Plan = seen => TakeoverPlan.Next(seen with { DeadIsLive = false }), WordEnds = false },
        ["word outlives the return of the host"] = new() { WordEnds = false },
        ["the epoch stays as it was"] = new() { Plan = seen => TakeoverPlan.Next(seen) is TakeoverStep.Take take ? take with { Epoch = seen.Assignment.Epoch } : TakeoverPlan.Next(seen) },
        ["a host that returns keeps what it ran"] = new() { IsOver = (_, _, _) => false },
    };

    private static string? WrongAfter(Mishap[] mishaps, TakeoverRules rules)
    {
        foreach (bool careless in new[] { false, true })
        {
            var world = new TakeoverWorld(rules, careless);
            foreach (var mishap in mishaps) world.Happen(mishap);
            string? wrong = world.WrongAtRest();
            if (world.IsDoubled) wrong = "it ran twice";
            if (wrong is not null) return $"{wrong}{(careless ? ", on careless word" : "")}\n{string.Join('\n', world.Trace)}";
        }

        return null;
    }
}
