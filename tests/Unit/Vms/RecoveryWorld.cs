using Lamina.Api;
using Lamina.Server.Vms.Recovery;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

/// <summary>
/// One VM, four hosts, and a store that is older than the truth. Hosts come back in any order, die in truth, tell, and act as runners do; the leader rules; a person starts the VM
/// whenever that is allowed. Nobody lies.
/// </summary>
internal sealed class RecoveryWorld
{
    private const int Hosts = 4;
    private const int Steps = 60;

    private readonly Random _random;
    private readonly Func<RecoveryVm, RecoveryRuling?> _rule;
    private readonly Process?[] _processes = new Process?[Hosts];
    private readonly bool[] _isBack = new bool[Hosts];
    private readonly bool[] _isDead = new bool[Hosts];
    private readonly bool[] _hasTold = new bool[Hosts];
    private readonly Dictionary<int, RecoveryGuest> _told = [];
    private readonly Process? _first;
    private VmAssignment? _assignment;
    private bool _isRuled;
    private bool _isLive;

    private RecoveryWorld(int seed, Func<RecoveryVm, RecoveryRuling?> rule)
    {
        _random = new Random(seed);
        _rule = rule;
        long epoch = _random.Next(1, 7);
        int owner = _random.Next(Hosts);
        if (_random.Next(3) > 0) _first = _processes[owner] = new Process(epoch, runs: true);
        for (int host = 0; host < Hosts; host++)
        {
            // Left by a migration: it has gone, or not come.
            if (host != owner && _random.Next(4) == 0) _processes[host] = new Process(Math.Max(1, epoch + _random.Next(-1, 2)), runs: false);
        }

        if (_random.Next(8) > 0) _assignment = new VmAssignment { Host = Name(_random.Next(Hosts)), Epoch = _random.Next(1, (int)epoch + 1) };
        _isLive = _assignment is not null && _random.Next(2) == 0;
    }

    /// <summary>Plays one history to its end.</summary>
    public static void Play(int seed, Func<RecoveryVm, RecoveryRuling?> rule)
    {
        var world = new RecoveryWorld(seed, rule);
        for (int step = 0; step < Steps; step++) world.Happen();
        world.Settle();
    }

    private static string Name(int host) => $"h{host}";

    private static int Number(string host) => host[1] - '0';

    private void Happen()
    {
        int host = _random.Next(Hosts);
        switch (_random.Next(6))
        {
            case 0:
                Return(host);
                break;
            case 1 when !_isBack[host] && _processes[host] is null:
                _isDead[host] = true;
                break;
            case 2:
                Rule();
                break;
            case 3:
                Act(host);
                break;
            case 4:
                Start();
                break;
        }

        Check();
    }

    private void Return(int host)
    {
        if (_isDead[host]) return;
        _isBack[host] = _hasTold[host] = true;
        if (_processes[host] is { } process && !process.IsKnown)
        {
            process.IsKnown = true;
            _told[host] = new RecoveryGuest(Name(host), process.Epoch, process.Runs);
        }
    }

    private void Rule()
    {
        string[] unknown = [.. Enumerable.Range(0, Hosts).Where(host => !_hasTold[host] && !_isDead[host]).Select(Name)];
        var vm = new RecoveryVm { Assignment = _assignment, IsRuled = _isRuled, IsLive = _isLive && _isRuled, Guests = [.. _told.Values], Unknown = unknown };
        if (_rule(vm) is not RecoveryRuling.Give give) return;
        _assignment = new VmAssignment { Host = give.Host, Epoch = give.Epoch, Since = give.Since };
        (_isRuled, _isLive) = (true, give.Since is not null);
        _told.Clear();
    }

    /// <summary>As the runner of a host does, with what it reads now.</summary>
    private void Act(int host)
    {
        if (!_isBack[host] || _processes[host] is not { } process || !_isRuled || _told.ContainsKey(host)) return;
        if (process.Epoch >= _assignment!.Epoch) return;
        if (_assignment.Host == Name(host) && process.Runs && process.Epoch >= _assignment.Since) process.Epoch = _assignment.Epoch;
        else _processes[host] = null;
    }

    private void Start()
    {
        if (!_isRuled || _assignment is not { } assignment) return;
        int host = Number(assignment.Host);
        if (!_isBack[host] || _told.ContainsKey(host) || _processes[host] is not null || _isLive) return;
        Assert.DoesNotContain(_processes, process => process is { Runs: true });
        _processes[host] = new Process(assignment.Epoch, runs: true) { IsKnown = true };
        _isLive = true;
    }

    private void Check()
    {
        int allowed = Enumerable.Range(0, Hosts).Count(host => _processes[host] is { Runs: true } process && _isRuled && _assignment!.Host == Name(host) && process.Epoch == _assignment.Epoch);
        Assert.True(allowed <= 1, "two instances are allowed to run");
        Assert.True(_processes.Count(process => process is { Runs: true }) <= 1, "two instances run");
        if (_first is not null) Assert.Contains(_first, _processes);
    }

    /// <summary>All come back; what ran runs on by the store's word, and of nothing else is anything left.</summary>
    private void Settle()
    {
        for (int round = 0; round < 4; round++)
        {
            for (int host = 0; host < Hosts; host++) Return(host);
            Rule();
            for (int host = 0; host < Hosts; host++) Act(host);
            Check();
        }

        Assert.Empty(_told);
        Assert.All(_processes, process => Assert.True(process is null or { Runs: true }, "something is left over"));
        if (_first is null) return;
        Assert.True(_isRuled);
        Assert.Same(_first, _processes[Number(_assignment!.Host)]);
        Assert.Equal(_assignment.Epoch, _first.Epoch);
    }

    private sealed class Process(long epoch, bool runs)
    {
        public long Epoch { get; set; } = epoch;

        public bool Runs { get; } = runs;

        public bool IsKnown { get; set; }
    }
}
