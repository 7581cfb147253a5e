using Lamina.Api;
using Lamina.Server.Migration.Plan;
using Lamina.Server.Vms.Plan;

namespace Lamina.Tests.Unit.Migration;

internal enum Mishap
{
    FirstActs,
    SecondActs,
    FirstReads,
    SecondReads,

    /// <summary>The network of the first host breaks: its guests run on, its lease ends.</summary>
    FirstCut,

    /// <summary>The first host loses its power.</summary>
    FirstDies,

    /// <summary>It is whole and reached again.</summary>
    FirstReturns,
    SecondCut,
    SecondDies,
    SecondReturns,

    /// <summary>A person looks at the silent host, and says that it is dead: if it runs nothing, or carelessly.</summary>
    PersonLooks,

    /// <summary>Somebody asks for the VM to be taken from the host that has it.</summary>
    TakeOverAsked,
}

/// <summary>The decisions that a test can put a fault into.</summary>
internal sealed record TakeoverRules
{
    public Func<TakeoverSeen, TakeoverStep> Plan { get; init; } = TakeoverPlan.Next;

    public Func<VmAssignment?, string, long, bool> IsOver { get; init; } = VmOutlived.IsOver;

    /// <summary>The word goes when the host lives again.</summary>
    public bool WordEnds { get; init; } = true;
}

/// <summary>
/// Two hosts, one store, one VM and a person, as a model. A host acts on its own view of the store, which may be old; every transaction compares the assignment. Either
/// the person's word is good, and no lock on the disks helps: what keeps a second instance away is the evidence alone. Or it is careless, and the disks are locked by who
/// runs: then the epoch sees to it that the right one runs in the end.
/// </summary>
internal sealed class TakeoverWorld(TakeoverRules rules, bool careless)
{
    private readonly Machine[] _hosts = [new() { Id = "first" }, new() { Id = "second" }];
    private readonly List<string> _trace = [];
    private Records _store = new(new VmAssignment { Host = "first", Epoch = 1 }, Live: ["first", "second"], Words: []);

    public bool IsDoubled { get; private set; }

    public IReadOnlyList<string> Trace => _trace;

    public void Happen(Mishap mishap)
    {
        switch (mishap)
        {
            case Mishap.FirstActs or Mishap.SecondActs:
                Act(Of(mishap));
                break;
            case Mishap.FirstReads or Mishap.SecondReads:
                Read(Of(mishap));
                break;
            case Mishap.FirstCut or Mishap.SecondCut:
                Silence(Of(mishap));
                break;
            case Mishap.FirstDies or Mishap.SecondDies:
                Silence(Of(mishap));
                Of(mishap).Process = null;
                break;
            case Mishap.FirstReturns or Mishap.SecondReturns:
                Return(Of(mishap));
                break;
            case Mishap.PersonLooks:
                foreach (var host in _hosts.Where(host => !host.IsReached && (careless || host.Process is null))) _store = _store with { Words = [.. _store.Words.Append(host.Id).Distinct()] };
                break;
            case Mishap.TakeOverAsked:
                TakeOver();
                break;
        }

        IsDoubled |= _hosts.Count(host => host.Process is not null) > 1;
        _trace.Add($"{mishap}: {_store.Assignment.Host}@{_store.Assignment.Epoch}, live {string.Join('+', _store.Live)}, words {string.Join('+', _store.Words)}, runs {string.Join(' ', _hosts.Select(host => $"{host.Id}:{host.Process}"))}");
    }

    /// <summary>All is mended, and everybody has all the time: one instance runs, where the store says, at its epoch.</summary>
    public string? WrongAtRest()
    {
        foreach (var host in _hosts) Return(host);
        for (int round = 0; round < 4; round++)
        {
            foreach (var host in _hosts)
            {
                Read(host);
                Act(host);
            }
        }

        IsDoubled |= _hosts.Count(host => host.Process is not null) > 1;
        var owner = _hosts.Single(host => host.Id == _store.Assignment.Host);
        if (owner.Process != _store.Assignment.Epoch) return $"the owner runs {owner.Process} at epoch {_store.Assignment.Epoch}";
        return _hosts.Any(host => host != owner && host.Process is not null) ? "another host runs it too" : null;
    }

    private Machine Of(Mishap mishap) => _hosts[mishap is Mishap.SecondActs or Mishap.SecondReads or Mishap.SecondCut or Mishap.SecondDies or Mishap.SecondReturns ? 1 : 0];

    private void Read(Machine host)
    {
        if (host.IsReached) host.View = _store.Assignment;
    }

    private void Silence(Machine host)
    {
        host.IsReached = false;
        _store = _store with { Live = [.. _store.Live.Where(live => live != host.Id)] };
    }

    private void Return(Machine host)
    {
        if (host.IsReached) return;
        host.IsReached = true;
        _store = _store with { Live = [.. _store.Live, host.Id], Words = rules.WordEnds ? [.. _store.Words.Where(word => word != host.Id)] : _store.Words };
    }

    /// <summary>The runner: ends what the VM has outlived, starts what is its own; both by transactions that compare the assignment.</summary>
    private void Act(Machine host)
    {
        if (!host.IsReached || host.View is not { } view) return;
        bool isConfirmed = view == _store.Assignment;
        if (host.Process is { } epoch && rules.IsOver(view, host.Id, epoch))
        {
            if (isConfirmed) host.Process = null;
        }
        else if (host.Process is { } old && view.Host == host.Id && old < view.Epoch)
        {
            if (isConfirmed) host.Process = null;
        }
        else if (host.Process is null && view.Host == host.Id && isConfirmed && !(careless && _hosts.Any(other => other.Process is not null)))
        {
            host.Process = view.Epoch;
        }
    }

    private void TakeOver()
    {
        string dead = _store.Assignment.Host;
        var step = rules.Plan(new TakeoverSeen { Dead = dead, DeadIsLive = _store.Live.Contains(dead), IsProved = _store.Words.Contains(dead), Assignment = _store.Assignment });
        if (step is not TakeoverStep.Take take || _hosts.FirstOrDefault(host => host.Id != dead && host.IsReached) is not { } next) return;
        _store = _store with { Assignment = new VmAssignment { Host = next.Id, Epoch = take.Epoch, Cause = AssignmentCause.Recovered } };
    }

    private sealed record Records(VmAssignment Assignment, IReadOnlyList<string> Live, IReadOnlyList<string> Words);

    private sealed class Machine
    {
        public required string Id { get; init; }
        public bool IsReached { get; set; } = true;
        public VmAssignment? View { get; set; }

        /// <summary>The epoch of its process; null: none.</summary>
        public long? Process { get; set; }
    }
}
