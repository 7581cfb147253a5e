using CsCheck;
using Lamina.Api;
using Lamina.Engine.Qmp;
using Lamina.Server.Vms.Plan;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

/// <summary>
/// Random wishes against guests that obey, refuse or fail as they like: the plan comes to rest, asks nobody twice for the same, plugs nothing into
/// what is taken, and every operation ends with the truth.
/// </summary>
public class VmPlanLivePropertyTests
{
    private const int Slots = 4;

    private static readonly Gen<int[]> GenDisks = Gen.Int[0, 9].Array[Slots];

    /// <summary>A wish: which disk (0: none) in which slot, CPUs, and whether the guest obeys, refuses for good, or refuses first.</summary>
    private static readonly Gen<(int[] Disks, int Cpus, int Mood)> GenWish = Gen.Select(GenDisks, Gen.Int[1, 6], Gen.Int[0, 2], (disks, cpus, mood) => (disks, cpus, mood));

    [Fact]
    public void ThePlanComesToRestAndSaysTheTruth() => Gen.Select(GenDisks, GenWish.Array[1, 4]).Sample((start, wishes) =>
    {
        var world = new World(start);
        foreach (var (disks, cpus, mood) in wishes)
        {
            world.Wish(disks, cpus, mood);
            world.Settle();
        }
    }, iter: 300);

    private sealed class World(int[] start)
    {
        private readonly Dictionary<int, int> _machine = Enumerable.Range(0, Slots).Where(slot => start[slot] % 4 != 0).ToDictionary(slot => slot, slot => start[slot] % 4);
        private readonly Dictionary<VmLiveChange, Failure> _declined = [];
        private int _machineCpus = 1;
        private Dictionary<int, int> _wanted = [];
        private int _cpus = 1;
        private int _mood;
        private int _operation;
        private ChangeOutcome? _outcome;
        private IReadOnlyList<PendingChange> _pending = [];

        public void Wish(int[] disks, int cpus, int mood)
        {
            _wanted = Enumerable.Range(0, Slots).Where(slot => disks[slot] % 4 != 0).ToDictionary(slot => slot, slot => disks[slot] % 4);
            (_cpus, _mood) = (cpus, mood);
            _declined.Clear();
            _operation++;
            _outcome = null;
        }

        public void Settle()
        {
            var asked = new HashSet<VmLiveChange>();
            for (int step = 0; step < 60; step++)
            {
                var moment = Moment();
                switch (VmPlanLive.Next(moment, new VmProcess(1, 1, RunState.Running)))
                {
                    case null when !_pending.SequenceEqual(VmPlanLive.Pending(moment.Seen)):
                        // Written by whoever asks the plan.
                        _pending = VmPlanLive.Pending(moment.Seen);
                        break;
                    case null:
                        Check(moment.Seen);
                        return;
                    case VmStep.Change change:
                        Assert.True(asked.Add(change.What), $"{change.What} is asked for twice");
                        Carry(change.What);
                        break;
                    case VmStep.EndChange end:
                        Assert.Null(_outcome);
                        _outcome = end.Outcome;
                        break;
                }
            }

            Assert.Fail("The plan does not come to rest.");
        }

        private VmMoment Moment() => new(
            new VmWanted
            {
                Spec = TestVms.Spec(), Epoch = 1, Host = "host-1",
                Changes = _outcome is null ? [new ChangeOrder($"op-{_operation}", ["$.cpus", .. Enumerable.Range(0, Slots).Select(slot => VmDifferences.PathOf("disks", slot))], false, false)] : [],
            },
            new VmSeen { HostBootId = PlanWorld.Boot, Status = TestVms.Status(VmState.Running) with { Pending = _pending }, Differences = [.. Differences()], Declined = _declined },
            TestVms.Epoch);

        private IEnumerable<VmDifference> Differences()
        {
            for (int slot = 0; slot < Slots; slot++)
            {
                string path = VmDifferences.PathOf("disks", slot);
                bool has = _machine.TryGetValue(slot, out int there), wants = _wanted.TryGetValue(slot, out int wanted);
                if (has && (!wants || wanted != there)) yield return VmDifference.Live(path, VmLiveKind.UnplugDisk, slot, $"not {there}");
                else if (wants && !has) yield return VmDifference.Live(path, VmLiveKind.PlugDisk, slot, $"{wanted}");
            }

            if (_cpus > 4) yield return VmDifference.Restart("$.cpus", "There is no place.");
            else if (_cpus != _machineCpus) yield return VmDifference.Live("$.cpus", VmLiveKind.SetCpus, 0, $"{_cpus}");
        }

        private void Carry(VmLiveChange what)
        {
            bool refuses = _mood == 1 || (_mood == 2 && what.Slot % 2 == 0);
            if (refuses)
            {
                _declined[what] = new Failure { Code = "vm.guestDeclined", Message = $"no {what.Slot}" };
                return;
            }

            if (what.Kind == VmLiveKind.UnplugDisk) Assert.True(_machine.Remove(what.Slot));
            else if (what.Kind == VmLiveKind.PlugDisk) Assert.True(_machine.TryAdd(what.Slot, _wanted[what.Slot]), "plugged into what is taken");
            else _machineCpus = _cpus;
        }

        private void Check(VmSeen seen)
        {
            Assert.NotNull(_outcome);
            var pending = VmPlanLive.Pending(seen);
            Assert.Equal(seen.Differences.Count, pending.Count);
            bool isDone = _machine.OrderBy(pair => pair.Key).SequenceEqual(_wanted.OrderBy(pair => pair.Key)) && _machineCpus == _cpus;
            Assert.Equal(isDone, pending.Count == 0);
            if (_declined.Count > 0) Assert.Equal(OperationPhase.Failed, _outcome.Phase);
            else Assert.Equal((OperationPhase.Succeeded, !isDone), (_outcome.Phase, _outcome.Result is not null));
        }
    }
}
