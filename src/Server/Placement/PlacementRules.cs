using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Placement;

/// <summary>What a placement rule may be (pure).</summary>
internal static class PlacementRules
{
    public const int MostMembers = 500;
    public const int LongestNotes = 1000;

    /// <summary>The rule as it is recorded, or what is wrong with it.</summary>
    /// <param name="asked">As asked for.</param>
    /// <param name="snapshot">Where VMs and hosts are looked up.</param>
    /// <param name="project">Of the rule and its VMs.</param>
    /// <param name="now">Becomes the time of creation.</param>
    /// <param name="problems">Gets every problem.</param>
    public static PlacementRuleSpec Resolve(PlacementRuleCreate asked, CacheSnapshot snapshot, string project, DateTimeOffset now, InputProblems problems)
    {
        Names.CheckLabel(asked.Name, "$.name", problems);
        if (asked.Notes?.Length > LongestNotes) problems.Add("$.notes", "value.long", $"Use at most {LongestNotes} characters.");
        var spec = new PlacementRuleSpec
        {
            Name = asked.Name,
            Project = project,
            CreatedAt = now,
            Kind = asked.Kind,
            Vms = Ids(asked.Vms, "$.vms", "vm", name => snapshot.TryFind(Keys.Vms.Spec, "vm", project, name)?.Id, problems),
            Hosts = Ids(asked.Hosts, "$.hosts", "host", name => snapshot.TryFindInstalled(Keys.Hosts.Spec, "host", name)?.Id, problems),
            Tags = [.. (asked.Tags ?? []).Distinct(StringComparer.Ordinal)],
            Preferred = asked.Preferred == true,
            Notes = asked.Notes,
        };
        CheckMembers(asked, problems);
        return spec;
    }

    private static void CheckMembers(PlacementRuleCreate asked, InputProblems problems)
    {
        bool namesHosts = asked.Kind is PlacementRuleKind.OnHosts or PlacementRuleKind.NotOnHosts;
        int vms = asked.Vms?.Count ?? 0, tags = asked.Tags?.Count ?? 0, hosts = asked.Hosts?.Count ?? 0;
        if (vms + tags == 0) problems.Add("$.vms", "placement.noMembers", "Name the VMs that the rule is for, or a tag that they bear.");
        else if (!namesHosts && vms == 1 && tags == 0) problems.Add("$.vms", "placement.oneMember", "One VM is neither apart from others nor together with them: name at least two, or a tag.");
        if (namesHosts && hosts == 0) problems.Add("$.hosts", "placement.noHosts", "Name the hosts.");
        if (!namesHosts && hosts > 0) problems.Add("$.hosts", "placement.hostsUnused", "A rule about VMs being apart or together names no hosts: make a second rule for those.");
        if (vms + tags + hosts > MostMembers) problems.Add("$", "placement.tooMany", $"A rule names at most {MostMembers} VMs, tags and hosts: use a tag in place of many VMs.");
    }

    private static IReadOnlyList<string> Ids(IReadOnlyList<string>? asked, string path, string noun, Func<string, string?> find, InputProblems problems)
    {
        var ids = new List<string>();
        for (int index = 0; index < Math.Min(asked?.Count ?? 0, MostMembers); index++)
        {
            if (find(asked![index]) is not { } id) problems.Add($"{path}[{index}]", $"{noun}.notFound", $"There is no {noun} '{Suggestions.Shorten(asked[index])}': 'lamina {noun} list' shows those there are.");
            else if (!ids.Contains(id)) ids.Add(id);
        }

        return ids;
    }
}
