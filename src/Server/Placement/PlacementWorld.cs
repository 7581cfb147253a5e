using Lamina.Api;

namespace Lamina.Server.Placement;

/// <summary>A VM that has a host, as placement sees it.</summary>
/// <param name="Host">Id of its host.</param>
/// <param name="Name">For words.</param>
/// <param name="Project">Of the VM.</param>
/// <param name="Tags">Of the VM.</param>
/// <param name="MemoryMiB">Of the guest.</param>
/// <param name="Cpus">Of the guest.</param>
/// <param name="Takes">It runs or shall run, so it takes memory there.</param>
internal sealed record PlacedVm(string Host, string Name, string Project, IReadOnlyList<string> Tags, int MemoryMiB, int Cpus, bool Takes);

/// <summary>
/// Hosts, VMs and rules in the form in which a decision is one pass over the hosts: sums are kept as things change, so that nothing counts a hundred thousand
/// VMs for each decision. Not safe for several threads.
/// </summary>
internal sealed class PlacementWorld
{
    private readonly Dictionary<string, int> _indexes = new(StringComparer.Ordinal);
    private readonly List<PlacementHost> _hosts = [];
    private readonly Dictionary<string, PlacedVm> _vms = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Rule> _rules = new(StringComparer.Ordinal);

    /// <summary>With what their VMs take; in no particular order.</summary>
    public IReadOnlyList<PlacementHost> Hosts => _hosts;

    public PlacementStrategy Strategy { get; set; }

    /// <summary>A new host or another state of one; what its VMs take is counted here.</summary>
    public void PutHost(PlacementHost host)
    {
        if (_indexes.TryGetValue(host.Id, out int index))
        {
            var former = _hosts[index];
            _hosts[index] = host with { CommittedMiB = former.CommittedMiB, CommittedCpus = former.CommittedCpus };
            if (former.Accelerator != host.Accelerator) Recount(index);
            return;
        }

        _indexes[host.Id] = _hosts.Count;
        _hosts.Add(host);
        Recount(_hosts.Count - 1);
    }

    public void RemoveHost(string id)
    {
        if (!_indexes.Remove(id, out int index)) return;
        _hosts[index] = _hosts[^1];
        _hosts.RemoveAt(_hosts.Count - 1);
        if (index < _hosts.Count) _indexes[_hosts[index].Id] = index;
    }

    /// <param name="id">Of the VM.</param>
    /// <param name="vm">Null: it has no host, or is gone.</param>
    public void PutVm(string id, PlacedVm? vm)
    {
        if (_vms.Remove(id, out var former))
        {
            Take(former, -1);
            foreach (var rule in _rules.Values) rule.Remove(id, former);
        }

        if (vm is null) return;
        _vms[id] = vm;
        Take(vm, 1);
        foreach (var rule in _rules.Values) rule.Add(id, vm);
    }

    /// <param name="id">Of the rule.</param>
    /// <param name="spec">Null: it is gone.</param>
    public void PutRule(string id, PlacementRuleSpec? spec)
    {
        _rules.Remove(id);
        if (spec is null) return;
        var rule = new Rule(spec);
        foreach (var (vmId, vm) in _vms) rule.Add(vmId, vm);
        _rules[id] = rule;
    }

    /// <summary>What the rules say about this VM now.</summary>
    public IReadOnlyList<PlacementConstraint> ConstraintsOn(PlacementRequest request) =>
    [
        .. _rules.Values.Where(rule => rule.Covers(request.Id, request.Project, request.Tags))
            .Select(rule => PlacementConstraint.Of(rule.Spec, rule.Others(request.Id))).OfType<PlacementConstraint>(),
    ];

    /// <summary>The host as it is without this VM: what it takes there must not speak against it.</summary>
    public PlacementHost Without(string vmId, PlacementHost host)
    {
        if (!_vms.TryGetValue(vmId, out var vm) || vm.Host != host.Id || !vm.Takes) return host;
        return host with { CommittedMiB = host.CommittedMiB - Needs(vm, host), CommittedCpus = host.CommittedCpus - vm.Cpus };
    }

    public PlacementVerdict Place(PlacementRequest request) => Placer.Place(request, _hosts, ConstraintsOn(request), Strategy);

    public IReadOnlyList<PlacementOpinion> Explain(PlacementRequest request, string? here) =>
        Placer.Explain(request, here, [.. _hosts.Select(host => Without(request.Id, host))], ConstraintsOn(request), Strategy);

    private static int Needs(PlacedVm vm, PlacementHost host) => VmFootprint.Admission(vm.MemoryMiB, host.Accelerator);

    private void Take(PlacedVm vm, int sign)
    {
        if (!vm.Takes || !_indexes.TryGetValue(vm.Host, out int index)) return;
        var host = _hosts[index];
        _hosts[index] = host with { CommittedMiB = host.CommittedMiB + (sign * Needs(vm, host)), CommittedCpus = host.CommittedCpus + (sign * vm.Cpus) };
    }

    private void Recount(int index)
    {
        var host = _hosts[index];
        var here = _vms.Values.Where(vm => vm.Takes && vm.Host == host.Id).ToList();
        _hosts[index] = host with { CommittedMiB = here.Sum(vm => Needs(vm, host)), CommittedCpus = here.Sum(vm => vm.Cpus) };
    }

    /// <summary>A rule, with where the VMs that it covers are.</summary>
    private sealed class Rule(PlacementRuleSpec spec)
    {
        private readonly HashSet<string> _named = [.. spec.Vms];
        private readonly Dictionary<string, PlacedVm> _covered = new(StringComparer.Ordinal);

        public PlacementRuleSpec Spec => spec;

        public bool Covers(string vmId, string project, IReadOnlyList<string> tags) =>
            project == spec.Project && (_named.Contains(vmId) || (spec.Tags.Count > 0 && tags.Any(spec.Tags.Contains)));

        public void Add(string vmId, PlacedVm vm)
        {
            if (Covers(vmId, vm.Project, vm.Tags)) _covered[vmId] = vm;
        }

        public void Remove(string vmId, PlacedVm vm)
        {
            if (Covers(vmId, vm.Project, vm.Tags)) _covered.Remove(vmId);
        }

        /// <summary>Hosts of the other VMs, each with a reason.</summary>
        public IReadOnlyDictionary<string, string> Others(string vmId)
        {
            var hosts = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var (id, vm) in _covered)
            {
                if (id != vmId) hosts.TryAdd(vm.Host, $"VM '{vm.Name}' is there");
            }

            return hosts;
        }
    }
}
