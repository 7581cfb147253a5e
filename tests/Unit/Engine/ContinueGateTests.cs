using Lamina.Engine;
using Lamina.Engine.Qmp;

namespace Lamina.Tests.Unit.Engine;

public class ContinueGateTests
{
    private static readonly RunState[] Guarded = [RunState.InMigrate, RunState.FinishMigrate, RunState.PostMigrate];

    public static TheoryData<RunState> GuardedStates => [.. Guarded];
    public static TheoryData<RunState> FreeStates => [.. Enum.GetValues<RunState>().Except(Guarded)];

    [Theory]
    [MemberData(nameof(GuardedStates))]
    public void A_guest_on_its_way_is_refused_without_a_permit_for_this_very_run(RunState state)
    {
        ContinuePermit?[] none = [null, new(2, 5, "older epoch"), new(3, 4, "older run"), new(4, 5, "newer epoch"), new(3, 6, "newer run")];
        foreach (var permit in none)
            Assert.Equal(state, Assert.Throws<ContinueRefusedException>(() => ContinueGate.Check(state, epoch: 3, run: 5, permit)).State);
        ContinueGate.Check(state, epoch: 3, run: 5, new ContinuePermit(3, 5, "handover"));
    }

    [Theory]
    [MemberData(nameof(FreeStates))]
    public void Every_other_state_needs_none(RunState state) => ContinueGate.Check(state, epoch: 3, run: 5, permit: null);
}
